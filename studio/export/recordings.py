"""Recorded runs: examples that the page shows without computing them.

    python -m studio.export.recordings        makes the runs of PLANS on the embedded model; writes assets/recordings/

A recording is a run in three small files: NAME.json (settings, loss curve, measurements), NAME.webp (the input and
every step, lossless) and NAME.path.webp (the sampling trajectory, lossy). The page marks a recording that was made with
other weights than the current model's.
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
from studio.core.settings import parse
from studio.export.metadata import record
from studio.models.catalogue.registry import DEFAULT, ENTRIES
from studio.models.embedded import ASSETS, embedded, examples
from studio.models.interface import Model
from studio.runs.events import CurvePoint, Outcome
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.measures.trajectory import Trajectory
from studio.runs.measures.verdict import Verdict
from studio.runs.request import Request
from studio.runs.steer import steer

FOLDER = ASSETS / "recordings"


@dataclass(frozen=True)
class RecordingPlan:
    """A run to record: title, example image, target example if the goal needs one, settings."""

    title: str
    image: str
    settings: dict[str, Any]
    second: str | None = None


PLANS: dict[str, RecordingPlan] = {
    "red-hair": RecordingPlan("red hair", "6-glasses", {"prompt": "a face with red hair"}),
    "sunglasses": RecordingPlan("sunglasses", "6-glasses", {"prompt": "a person with sunglasses"}),
    "beard": RecordingPlan("beard", "2-black-hair", {"prompt": "a face with a beard"}),
    "blue-hair": RecordingPlan("blue hair", "5-mohawk", {"prompt": "a person with blue hair"}),
    "picture": RecordingPlan("a picture", "1-red-bun", {"loss": "clip_image"}, "2-black-hair"),
    "person": RecordingPlan("a person", "4-red-beard", {"loss": "identity"}, "6-glasses"),
}


@dataclass(frozen=True)
class Recording:
    """A recorded run.

    Args:
        name, title: file name and displayed title.
        image, second: stems of its example images.
        outcome: the run's result.
        digest: SHA-256 of the weights that it was made with.
    """

    name: str
    title: str
    image: str
    second: str | None
    outcome: Outcome
    digest: str


def load(folder: Path = FOLDER) -> list[Recording]:
    """Every recording of a folder, in the order of `PLANS`; others follow by name."""
    paths = sorted(folder.glob("*.json"), key=lambda path: (_order(path.stem), path.stem))
    return [_read(path) for path in paths]


def write(name: str, plan: RecordingPlan, outcome: Outcome, model: Model, folder: Path = FOLDER) -> None:
    """Write the three files of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    trajectory = outcome.path or Trajectory((), (), ())
    metadata = {
        "title": plan.title,
        "image": plan.image,
        "second": plan.second,
        **record(outcome, model),
        "curve": [
            {"step": p.step, "total": p.total, "terms": dict(p.terms), "similarity": dict(p.similarity)}
            for p in outcome.curve
        ],
        "noise": trajectory.noise,
        "verdict": None if outcome.verdict is None else outcome.verdict.to_json(),
    }
    (folder / f"{name}.json").write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")
    sheet([outcome.before, *outcome.frames]).save(folder / f"{name}.webp", lossless=True, method=6)
    if trajectory.states:
        sheet([*trajectory.states, *trajectory.estimates]).save(folder / f"{name}.path.webp", quality=80, method=6)


def _read(path: Path) -> Recording:
    metadata = json.loads(path.read_text(encoding="utf-8"))
    measured, noise = metadata["measured"], metadata["noise"]
    curve = tuple(CurvePoint(**point) for point in metadata["curve"])
    before, *frames = tiles(path.with_suffix(".webp"), 1 + len(curve))
    trajectory = None
    if noise:
        pictures = tiles(path.with_suffix(".path.webp"), 2 * len(noise))
        trajectory = Trajectory(tuple(pictures[: len(noise)]), tuple(pictures[len(noise) :]), tuple(noise))
    best = next(point for point in curve if point.step == measured["best_step"])
    psnr = measured["round_trip"]["psnr_db"]
    outcome = Outcome(
        settings=parse(metadata["settings"]),
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
        verdict=Verdict.from_json(verdict) if (verdict := metadata.get("verdict")) else None,
        model=metadata["model"],
    )
    names = metadata["title"], metadata["image"], metadata["second"]
    return Recording(path.stem, *names, outcome, metadata["model"]["sha256"])


def sheet(images: Sequence[Image.Image]) -> Image.Image:
    """Square images in rows of eight, because WebP is limited to 16,383 pixels a side."""
    side, columns = images[0].width, min(len(images), 8)
    sheet = Image.new("RGB", (columns * side, math.ceil(len(images) / columns) * side))
    for i, image in enumerate(images):
        sheet.paste(image, (i % columns * side, i // columns * side))
    return sheet


def tiles(path: Path, count: int) -> list[Image.Image]:
    """The images of a sheet."""
    with Image.open(path) as opened:
        sheet = opened.convert("RGB")
    columns = min(count, 8)
    side = sheet.width // columns
    corners = [(i % columns * side, i // columns * side) for i in range(count)]
    return [sheet.crop((x, y, x + side, y + side)) for x, y in corners]


def _order(name: str) -> int:
    return list(PLANS).index(name) if name in PLANS else len(PLANS)


def main(names: Iterable[str] = ()) -> None:
    """Make the recordings of these names; all by default."""
    model, images = embedded(size=ENTRIES[DEFAULT].size), {path.stem: path for path in examples()}
    with TemporaryDirectory() as folder:
        for name in names or PLANS:
            plan = PLANS[name]
            second = images[plan.second] if plan.second else None
            request = Request.checked(plan.settings, images[plan.image], second, model.size)
            *_, outcome = steer(model, request, CancelToken(Path(folder) / name))
            assert isinstance(outcome, Outcome)  # it is never cancelled
            write(name, plan, outcome, model)
            print(f"{name}: loss {outcome.curve[0].total:.3f} -> {outcome.best.total:.3f}, {outcome.seconds:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
