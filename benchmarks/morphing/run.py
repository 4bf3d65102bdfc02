"""Run the plan: the missing rows in batches, until a time limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from benchmarks.clock import clock
from benchmarks.morphing.candidates import Start, candidates
from benchmarks.morphing.encodings import Encoder, Faces
from benchmarks.morphing.held_out import HeldOutPanel, ImageQuality, People, as_saved
from benchmarks.morphing.methods import UNCODED, Method
from benchmarks.morphing.pairs import PAIRS, Pair, choose_pairs, other_pictures, passports
from benchmarks.records import Records, Row
from clay.networks.images import to_bytes
from clay.people.dataset import TEST
from clay.world import ClayWorld, load_world_of

_CALL = {"cpu": 0.03, "cuda": 1e-4}  # seconds of a network call on one image, before it is measured


@dataclass
class Bench:
    """What all methods share.

    Args:
        world: the networks.
        weights: hash of the weights in rows.
        people: number of test people to choose pairs from.
    """

    world: ClayWorld
    weights: str
    people: int = TEST.identities

    def __post_init__(self) -> None:
        self.size = self.world.autoencoder.sample_shape[-1]
        self.passports = passports(range(self.people), self.size).to(self.world.device)
        # on the CPU for every device, because rounding may change the order of pairs
        self.pairs = choose_pairs(load_world_of(self.size), passports(range(self.people)), PAIRS)
        self.quality = ImageQuality(self.world, self.passports)
        self.encoder = Encoder(self.world)

    def morph(self, method: Method, pairs: Sequence[Pair]) -> tuple[list[Row], Tensor]:
        """Morph b pairs by a method; returns one row for each, and the morphs (b, 3, h, w)."""
        first, second = [pair.first for pair in pairs], [pair.second for pair in pairs]
        faces = Faces(self.passports[first], self.passports[second], tuple(pairs))
        source = People(*faces[:2])
        other = People(*(other_pictures(who, self.size).to(self.world.device) for who in (first, second)))
        panel = HeldOutPanel(self.world, other)
        encoding = self.encoder(method, faces) if method.kind not in UNCODED else []
        now = clock(self.world.device)
        began, best, evaluating = now(), _Best(), 0.0
        for candidate in candidates(Start(self.world, method, faces, self.encoder)):
            paused = now()
            best.add(as_saved(candidate.image), candidate.loss, candidate.calls, panel.margins)
            evaluating += now() - paused
        seconds = (now() - began - evaluating) / len(pairs)
        measures: dict[str, Tensor | dict[str, Tensor]] = {
            "margins": best.margins,
            "source_margins": HeldOutPanel(self.world, source).margins(best.image),
            "strangeness": self.quality.feature_distance(best.image),
            "noisiness": self.quality.denoising_error(best.image, source),
        }
        rows = [
            {
                "method": method.name,
                "key": method.key,
                "settings": method.settings(),
                "weights": self.weights,
                "pair": pair.number,
                "people": [TEST.first + pair.first, TEST.first + pair.second],
                "alike": round(pair.similarity, 4),
                "batch": len(pairs),
                "calls": best.calls,
                "encoding_calls": encoding[k].calls if encoding else 0,
                "seconds": round(seconds, 3),
                "encoding_seconds": round(encoding[k].seconds, 3) if encoding else 0.0,
                **{name: _of(values, k) for name, values in measures.items()},
                "curve": [point[k] for point in best.curve],
            }
            for k, pair in enumerate(pairs)
        ]
        return rows, best.image


def _of(values: Tensor | dict[str, Tensor], k: int) -> Any:
    """The values of image k, rounded."""
    if isinstance(values, dict):
        return {name: _rounded(v[k]) for name, v in values.items()}
    return round(float(values[k]), 4)


@dataclass
class _Best:
    """For each image the best candidate so far, and the curve of all candidates."""

    image: Tensor = field(default_factory=lambda: torch.empty(0))
    loss: Tensor = field(default_factory=lambda: torch.empty(0))
    margins: dict[str, Tensor] = field(default_factory=dict)
    calls: int = 0
    curve: list[list[list[float]]] = field(default_factory=list)

    def add(self, image: Tensor, loss: Tensor, calls: int, evaluate: Callable[[Tensor], dict[str, Tensor]]) -> None:
        """Add a candidate; for each image the one with the lowest loss is kept."""
        margins, self.calls = evaluate(image), calls
        if not self.curve:
            self.image, self.loss, self.margins = image, loss, margins
        better = loss < self.loss
        self.image = torch.where(better.view(-1, 1, 1, 1), image, self.image)
        self.loss = torch.where(better, loss, self.loss)
        self.margins = {name: torch.where(better[:, None], margins[name], m) for name, m in self.margins.items()}
        worst = [m.amin(1) for m in margins.values()]
        self.curve.append([[calls, *_rounded(torch.stack([loss, *worst])[:, k])] for k in range(len(loss))])


def work(
    bench: Bench, records: Records, plan: Iterator[tuple[Method, int]], batch: int, until: float
) -> Iterator[tuple[list[Row], Tensor]]:
    """Make the missing rows of the plan that can be made in time; yields the rows and morphs of each batch.

    Args:
        bench: what all methods share.
        records: the folder of rows.
        plan: methods, each with a number of pairs.
        batch: largest number of pairs in a batch.
        until: time limit, in seconds of `perf_counter`.
    """
    done = {(row["key"], row["pair"]) for row in records if row["weights"] == bench.weights}
    cost_model = _CALL.get(torch.device(bench.world.device).type, _CALL["cpu"])
    for method, count in plan:
        pairs = bench.pairs[: min(count, len(bench.pairs))]
        left = [k for k in records.share.of(range(len(pairs))) if (method.key, k) not in done]
        size = 1 if method.alone else batch
        for start in range(0, len(left), size):
            part = [pairs[k] for k in left[start : start + size]]
            calls = method.expected_calls() * len(part)
            began = perf_counter()
            if began + calls * cost_model > until:
                break  # other methods of the plan may fit
            rows, images = bench.morph(method, part)
            if calls > 500:
                cost_model = (perf_counter() - began) / calls
            done |= {(row["key"], row["pair"]) for row in rows}
            yield rows, images


def save_pictures(folder: Path, rows: Sequence[Row], images: Tensor) -> None:
    """Save each morph as PNG, in a folder for its method."""
    for row, picture in zip(rows, to_bytes(images), strict=True):
        path = picture_path(folder, row)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)


def picture_path(folder: Path, row: Row) -> Path:
    """The path of the image of a row."""
    return folder / "pictures" / f"{row['key']}-{row['weights']}" / f"{row['pair']:03d}.png"


def _rounded(values: Tensor) -> list[float]:
    return [round(v, 4) for v in values.tolist()]
