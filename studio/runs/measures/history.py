"""`RunHistory`: the curve of a run with the image of every point, and the best point.

The best point has the lowest loss. For a goal with a satisfied point it is the one of lowest loss among those at which
the goal is met, if there are any. A run ends at the first of them that also keeps enough: what is lowered after that is
mostly error of the networks in the loss, and pictures get worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from PIL import Image

from adjointdeis.guide.selection import BestUnderGoal
from studio.runs.events import CurvePoint
from studio.runs.measures.monitored import Call

PATIENCE, IMPROVEMENT = 3, 0.1
"""A met goal ends a run after so many updates in a row of which none lowered the loss by this share."""


@dataclass
class RunHistory:
    """`points` in order and their `frames`; `best` is the best point, `best_calls` are its recorded network calls,
    `best_state` the optimised variables there. `codes` are z at every point, None where z is not optimised.

    Args:
        reached: term of the loss -> largest value at which the goal counts as met (`studio.core.goals.Goal`).
        enough: term of the loss -> largest value at which a met goal needs no further update.
    """

    reached: Mapping[str, float] = field(default_factory=dict)
    enough: Mapping[str, float] = field(default_factory=dict)
    points: list[CurvePoint] = field(default_factory=list)
    frames: list[Image.Image] = field(default_factory=list)
    best: CurvePoint | None = None
    best_calls: Sequence[Call] = ()
    best_state: Mapping[str, Any] = field(default_factory=dict)
    codes: list[Any] = field(default_factory=list)
    _selection: BestUnderGoal = field(default_factory=lambda: BestUnderGoal(PATIENCE, IMPROVEMENT))

    def add(
        self,
        point: CurvePoint,
        frame: Image.Image,
        calls: Sequence[Call] = (),
        state: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Append a point, its image, the network calls that sampled it, and the variables."""
        self.points.append(point)
        self.frames.append(frame)
        self.codes.append(state.get("z"))
        if self._selection.add(self.met(point), point.total, _within(point, self.enough)):
            self.best, self.best_calls, self.best_state = point, calls, state

    def met(self, point: CurvePoint) -> bool:
        """Whether every term that measures the goal is small enough; False for a goal without such terms."""
        return _within(point, self.reached)

    @property
    def finished(self) -> bool:
        """Whether the goal is met, and a point was enough or the latest updates improved nothing."""
        return self._selection.finished

    @property
    def improving(self) -> bool:
        """Whether the latest point is the best, and more updates may help."""
        return self.best is self.points[-1] and not self.finished

    @property
    def best_image(self) -> Image.Image | None:
        """The image of the best point; None before the first."""
        return None if self.best is None else self.frames[self.points.index(self.best)]

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """A copy of the points, which another thread can read."""
        return tuple(self.points)


def _within(point: CurvePoint, largest: Mapping[str, float]) -> bool:
    """Whether the terms that the point has of these are small enough; False if it has none."""
    found = [point.terms[name] <= most for name, most in largest.items() if name in point.terms]
    return bool(found) and all(found)
