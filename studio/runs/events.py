"""What a run tells whoever watches it. Every event is the whole state so far, so any of them may be missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from studio.core.settings import Settings
from studio.runs.round_trip import RoundTrip
from studio.runs.trajectory import Trajectory

Phase = Literal["encode", "optimise"]


@dataclass(frozen=True)
class CurvePoint:
    """One optimisation step on the curves: total loss, its terms and the similarities, by name."""

    step: int
    total: float
    terms: Mapping[str, float]
    similarity: Mapping[str, float]


@dataclass(frozen=True)
class Waiting:
    """Not begun yet: `ahead` other runs come first."""

    ahead: int


@dataclass(frozen=True)
class Progress:
    """On the way.

    Args:
        phase: "encode" (image -> noise) or "optimise".
        step: steps done in this phase, 0 .. steps.
        steps: how many it has.
        seconds_left: measured pace times what remains of the whole run; None while nothing was measured.
        image: the state now; noisy while encoding.
        curve: every optimisation step so far.
        calls: network calls so far.
        memory: bytes in use on the device; 0 where nobody can say.
    """

    phase: Phase
    step: int
    steps: int
    seconds_left: float | None
    image: Image.Image
    curve: tuple[CurvePoint, ...]
    calls: int
    memory: int = 0


@dataclass(frozen=True)
class Outcome:
    """The end of a run that has something to show.

    Args:
        settings: what was asked.
        before: the picture as the model saw it.
        after: the image with the lowest loss so far; `best` is its place on the curve.
        stopped: Stop was pressed before the last step.
        round_trip: how exactly encode -> sample gave `before` back, measured in this run.
        calls: network calls made.
        seconds: wall-clock time.
        frames: the image at every place of the curve.
        path: how the sampler came to `after`; None where it was not followed.
        memory: most bytes in use on the device; 0 where nobody can say.
    """

    settings: Settings
    before: Image.Image
    after: Image.Image
    best: CurvePoint
    curve: tuple[CurvePoint, ...]
    stopped: bool
    round_trip: RoundTrip
    calls: int
    seconds: float
    frames: tuple[Image.Image, ...] = ()
    path: Trajectory | None = None
    memory: int = 0


Event = Waiting | Progress | Outcome
