"""`Track`: the curve of a run so far, and the best picture on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from studio.events import Point


@dataclass
class Track:
    """Points in order; `best` is the one of lowest loss, and `image` (1, 3, h, w) belongs to it."""

    points: list[Point] = field(default_factory=list)
    best: Point | None = None
    image: Tensor | None = None

    def add(self, point: Point, image: Tensor) -> None:
        """The next step of the run."""
        self.points.append(point)
        if self.best is None or point.total < self.best.total:
            self.best, self.image = point, image.detach()

    @property
    def curve(self) -> tuple[Point, ...]:
        """The points as they are now, safe to hand to another thread."""
        return tuple(self.points)
