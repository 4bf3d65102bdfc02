"""The events of a run. Each holds the whole state so far, so a client may skip any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL import Image

from studio.core.settings import Settings
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.measures.trajectory import Trajectory
from studio.runs.measures.verdict import Verdict

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
    """In the queue, with `ahead` other runs before this one."""

    ahead: int


@dataclass(frozen=True)
class Progress:
    """A run at work.

    Args:
        phase: "encode" (image -> noise) or "optimise".
        step: steps done in this phase, 0 .. steps.
        steps: of the phase.
        seconds_left: measured pace times the rest of the whole run; None before the first measurement.
        image: the state now; noisy while encoding.
        curve: every optimisation step so far.
        calls: network calls so far.
        memory: bytes in use on the device; 0 if not measured.
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
class AreaReport:
    """The area that could change, and the difference of the result outside of it.

    Args:
        picture: the start, darkened outside.
        share: of all pixels that could change.
        mean, largest: difference outside, in 8-bit levels.
        exact: whether the original pixels replaced those outside, with a feathered edge.
    """

    picture: Image.Image
    share: float
    mean: float
    largest: int
    exact: bool


@dataclass(frozen=True)
class Outcome:
    """The end of a run with at least one image.

    Args:
        settings: of the run.
        before: the picture to change, at the model's size; of a morph the plain morph.
        after: the image with the lowest loss; `best` is its point on the curve.
        stopped: the run was cancelled before the last step.
        round_trip: the error of encode -> sample, measured in this run.
        calls: network calls made.
        seconds: wall-clock time.
        frames: the image of every point of the curve.
        path: the sampler's states on the way to `after`; None if not recorded.
        memory: peak bytes in use on the device; 0 if not measured.
        area: the only part that could change; None for the whole picture.
        strength: place of `after` on the path to the best image: 1 is that image, 0 the begin.
        verdict: by networks that no loss uses; None for a run that was recorded without one, and for a morph, which has
            verdicts of its own.
        model: that made it, as in its record (`Model.described`); another one may be loaded by now.
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
    area: AreaReport | None = None
    strength: float = 1.0
    verdict: Verdict | None = None
    model: Mapping[str, Any] = field(default_factory=dict)


Event = Waiting | Progress | Outcome

Early = Callable[[Progress], None]
"""Called with the picture of an update before its loss and gradient are computed; the curve is without it."""
