"""Gradient error and peak memory of every gradient method against the number of sampling steps N.

    python -m studio.export.recorded_scaling     measures them on the embedded model; writes assets/recordings/tabs/

One gradient of each method is measured at each N, with the picture and the other settings of the recorded comparison.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from studio.core.cancellation import CancelToken
from studio.core.goals import PROMPTS
from studio.core.gradients import compared_methods
from studio.core.settings import GradientName
from studio.export.recorded_tabs import COMPARE, FOLDER
from studio.models.catalogue.registry import DEFAULT, ENTRIES
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.runs.compare import Column, compare
from studio.runs.measures.gradient_error import gradient_errors
from studio.runs.request import Request

STEPS = (5, 10, 20, 50, 100)


@dataclass(frozen=True)
class Point:
    """One gradient.

    Args:
        method: its name.
        steps: N.
        error: |g - g_exact| / |g_exact|, the largest over the variables.
        memory: peak bytes of tensors that it allocated.
    """

    method: GradientName
    steps: int
    error: float
    memory: int


@dataclass(frozen=True)
class Scaling:
    """The points of one model, and the SHA-256 of its weights."""

    points: tuple[Point, ...]
    digest: str

    def of(self, method: str) -> list[Point]:
        """One method's points by N."""
        return sorted((point for point in self.points if point.method == method), key=lambda point: point.steps)


def point_of(column: Column, steps: int) -> Point | None:
    """The point of one method of a comparison; None before its gradient was measured."""
    if column.found is None or column.memory is None:
        return None
    return Point(column.method, steps, max(gradient_errors(column.found).values()), column.memory)


def measure(model: Model, steps: Sequence[int] = STEPS) -> Iterator[Point]:
    """The points of all methods, one N after the other."""
    values = {"prompt": PROMPTS[0], **COMPARE, "optimisation_steps": 1}
    request = Request.checked(values, examples()[0], None, model.size)
    with TemporaryDirectory() as folder:
        for n in steps:
            # not checked again: the page's slider ends at 50
            settings = request.settings.model_copy(update={"sampling_steps": n})
            there = replace(request, settings=settings)
            *_, found = compare(model, there, compared_methods(), CancelToken(Path(folder) / "stop"))
            yield from (point for column in found.columns if (point := point_of(column, n)) is not None)


def load_scaling(folder: Path = FOLDER) -> Scaling | None:
    """The recorded points; None if there are none."""
    path = folder / "scaling.json"
    if not path.is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Scaling(tuple(Point(**point) for point in values["points"]), values["sha256"])


def write_scaling(scaling: Scaling, folder: Path = FOLDER) -> None:
    """Write the points."""
    folder.mkdir(parents=True, exist_ok=True)
    values = {"sha256": scaling.digest, "points": [asdict(point) for point in scaling.points]}
    (folder / "scaling.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Measure and write."""
    model = embedded(size=ENTRIES[DEFAULT].size)
    points = []
    for point in measure(model):
        print(f"N = {point.steps}: {point.method}, error {point.error:.2g}, {point.memory / 2**20:.1f} MiB", flush=True)
        points.append(point)
    write_scaling(Scaling(tuple(points), model.digest))


if __name__ == "__main__":
    main()
