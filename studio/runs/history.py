"""`RunHistory`: the curve of a run so far with its pictures, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from studio.runs.events import CurvePoint
from studio.runs.monitored import Call


@dataclass
class RunHistory:
    """Points in order, and their pictures; `best` is the one of lowest loss, `passed` the network calls it came by."""

    points: list[CurvePoint] = field(default_factory=list)
    frames: list[Image.Image] = field(default_factory=list)
    best: CurvePoint | None = None
    passed: Sequence[Call] = ()

    def add(self, point: CurvePoint, frame: Image.Image, passed: Sequence[Call] = ()) -> None:
        """The next step of the run."""
        self.points.append(point)
        self.frames.append(frame)
        if self.best is None or point.total < self.best.total:
            self.best, self.passed = point, passed

    @property
    def image(self) -> Image.Image | None:
        """The picture of the best step."""
        return None if self.best is None else self.frames[self.points.index(self.best)]

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """The points as they are now, safe to hand to another thread."""
        return tuple(self.points)
