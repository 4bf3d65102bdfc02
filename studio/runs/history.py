"""`RunHistory`: the curve of a run with the image of every point, and the point of lowest loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from studio.runs.events import CurvePoint
from studio.runs.monitored import Call


@dataclass
class RunHistory:
    """`points` in order and their `frames`; `best` has the lowest loss, `best_calls` are its recorded network calls."""

    points: list[CurvePoint] = field(default_factory=list)
    frames: list[Image.Image] = field(default_factory=list)
    best: CurvePoint | None = None
    best_calls: Sequence[Call] = ()

    def add(self, point: CurvePoint, frame: Image.Image, calls: Sequence[Call] = ()) -> None:
        """Append a point, its image, and the network calls that sampled it."""
        self.points.append(point)
        self.frames.append(frame)
        if self.best is None or point.total < self.best.total:
            self.best, self.best_calls = point, calls

    @property
    def best_image(self) -> Image.Image | None:
        """The image of the best point; None before the first."""
        return None if self.best is None else self.frames[self.points.index(self.best)]

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """A copy of the points, which another thread can read."""
        return tuple(self.points)
