"""Recorded runs: examples that answer at once, because they were made before.

    python -m studio.export.recordings        runs every wish below on the embedded model and writes assets/recordings/

A recording is a run like any other, in three small files: NAME.json (settings, curve, what was measured), NAME.webp
(before and every step, lossless) and NAME.path.webp (the sampler's path, lossy). Where the model's weights are no
longer those it was made with, the page says so.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.presets import suited
from studio.core.settings import parse
from studio.export.metadata import record
from studio.models.embedded import ASSETS, embedded, examples
from studio.models.interface import Model
from studio.runs.events import CurvePoint, Outcome
from studio.runs.request import Request
from studio.runs.round_trip import RoundTrip
from studio.runs.steer import steer
from studio.runs.trajectory import Trajectory

FOLDER = ASSETS / "recordings"


@dataclass(frozen=True)
class RecordingPlan:
    """What is recorded: a short title, the example it starts from, a second one if its goal needs it, settings."""

    title: str
    image: str
    settings: dict[str, Any]
    second: str | None = None


PLANS: dict[str, RecordingPlan] = {
    "red-hair": RecordingPlan("red hair", "6-glasses", {"prompt": "a face with red hair"}),
    "sunglasses": RecordingPlan("sunglasses", "6-glasses", {"prompt": "a person with sunglasses"}),
    "beard": RecordingPlan(
        "beard",
        "2-black-hair",
        {"loss": "clip_directional", "prompt": "a face with a beard", "source_text": "a face"},
    ),
    "blue-hair": RecordingPlan(
        "blue hair",
        "5-mohawk",
        {"loss": "mix", "prompt": "a person with blue hair", "mix_text": 1.0, "mix_same": 0.5},
    ),
    "picture": RecordingPlan("a picture", "1-red-bun", {"loss": "clip_image"}, "2-black-hair"),
    "person": RecordingPlan("a person", "4-red-beard", {"loss": "identity", **suited("identity")}, "6-glasses"),
}


@dataclass(frozen=True)
class Recording:
    """A run made before.

    Args:
        name, title: as file, and as a person reads it.
        image, second: stems of the examples it started from.
        outcome: what came of it.
        digest: of the weights it was made with.
    """

    name: str
    title: str
    image: str
    second: str | None
    outcome: Outcome
    digest: str


def load(folder: Path = FOLDER) -> list[Recording]:
    """Every recording of a folder, in the order of the list above, or of their names."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (_place(path.stem), path.stem))
    return [_read(path) for path in paths]


def write(name: str, wish: RecordingPlan, outcome: Outcome, model: Model, folder: Path = FOLDER) -> None:
    """The three files of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    path = outcome.path or Trajectory((), (), ())
    written = {
        "title": wish.title,
        "image": wish.image,
        "second": wish.second,
        **record(outcome, model),
        "curve": [
            {"step": p.step, "total": p.total, "terms": dict(p.terms), "similarity": dict(p.similarity)}
            for p in outcome.curve
        ],
        "noise": path.noise,
    }
    (folder / f"{name}.json").write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    _strip([outcome.before, *outcome.frames]).save(folder / f"{name}.webp", lossless=True, method=6)
    if path.states:
        _strip([*path.states, *path.estimates]).save(folder / f"{name}.path.webp", quality=80, method=6)


def _read(path: Path) -> Recording:
    written = json.loads(path.read_text(encoding="utf-8"))
    measured, noise = written["measured"], written["noise"]
    curve = tuple(CurvePoint(**point) for point in written["curve"])
    before, *frames = _tiles(path.with_suffix(".webp"), 1 + len(curve))
    trajectory = None
    if noise:
        tiles = _tiles(path.with_suffix(".path.webp"), 2 * len(noise))
        trajectory = Trajectory(tuple(tiles[: len(noise)]), tuple(tiles[len(noise) :]), tuple(noise))
    best = next(point for point in curve if point.step == measured["best_step"])
    psnr = measured["round_trip"]["psnr_db"]
    outcome = Outcome(
        settings=parse(written["settings"]),
        before=before,
        after=frames[curve.index(best)],
        best=best,
        curve=curve,
        stopped=measured["stopped"],
        round_trip=RoundTrip(
            measured["round_trip"]["largest_8bit_difference"], math.inf if psnr is None else float(psnr)
        ),
        calls=measured["network_calls"],
        seconds=measured["seconds"],
        frames=tuple(frames),
        path=trajectory,
        memory=measured["most_memory_bytes"] or 0,
    )
    names = written["title"], written["image"], written["second"]
    return Recording(path.stem, *names, outcome, written["model"]["sha256"])


def _strip(pictures: Sequence[Image.Image]) -> Image.Image:
    """Square pictures in rows of eight: WebP ends at 16,383 pixels."""
    side, columns = pictures[0].width, min(len(pictures), 8)
    whole = Image.new("RGB", (columns * side, math.ceil(len(pictures) / columns) * side))
    for i, picture in enumerate(pictures):
        whole.paste(picture, (i % columns * side, i // columns * side))
    return whole


def _tiles(path: Path, count: int) -> list[Image.Image]:
    with Image.open(path) as opened:
        whole = opened.convert("RGB")
    columns = min(count, 8)
    side = whole.width // columns
    corners = [(i % columns * side, i // columns * side) for i in range(count)]
    return [whole.crop((x, y, x + side, y + side)) for x, y in corners]


def _place(name: str) -> int:
    return list(PLANS).index(name) if name in PLANS else len(PLANS)


def main(names: Iterable[str] = ()) -> None:
    """Make the recordings of the names given, or all."""
    model, pictures = embedded(), {path.stem: path for path in examples()}
    with TemporaryDirectory() as folder:
        for name in names or PLANS:
            wish = PLANS[name]
            second = pictures[wish.second] if wish.second else None
            request = Request.checked(wish.settings, pictures[wish.image], second, model.size)
            *_, outcome = steer(model, request, CancelToken(Path(folder) / name))
            assert isinstance(outcome, Outcome)  # nobody stops it
            write(name, wish, outcome, model)
            print(f"{name}: loss {outcome.curve[0].total:.3f} -> {outcome.best.total:.3f}, {outcome.seconds:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
