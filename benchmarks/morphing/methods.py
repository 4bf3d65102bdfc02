"""`Method`: how a morph is made, as data, for the methods of the paper's tables and ours.

| kind | method | source |
|---|---|---|
| first | the image of the first person, as a control | |
| average | the mean of both images | |
| sample | sampled from z interpolated linearly, x_T (and noises) spherically | DiM, Fast-DiM |
| search | several such samples; the one with the lowest loss | Morph-PIPE |
| greedy | one sample with eps_hat optimised in every step by the loss of x0_hat | Greedy-DiM, 2404.06025 |
| guide | one sample, then updates of its start by gradients through the sampler | AdjointDEIS, and ours |
| page | the studio's morph with one of its presets | ours |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, GradientMethod, Reversible, Sampler, SubgridAdjoint
from adjointdeis.sampler import Family

Kind = Literal["first", "average", "sample", "search", "greedy", "guide", "page"]
Gradient = Literal["discrete", "adjoint_1", "adjoint_2", "resolved_1", "subgrid", "reversible"]

UNCODED = ("first", "average", "page")  # kinds without an encoding, or with their own
PLAIN_INVERSION = 250  # steps of the paper's encoding, each with one network call
_AROUND = 6  # samplings of the studio's morph besides its updates: two encodings and checks, start, result
_LINE_SEARCH = 12  # most evaluations in one update of L-BFGS


@dataclass(frozen=True)
class Method:
    """A method. Its key is a hash of the fields, so their names and defaults must not change.

    Args:
        name: unique name.
        kind: see the table above.
        steps: N, sampling steps.
        sde: whether the sampler is for the SDE.
        order: order of the sampler.
        family: family of the sampler.
        encoding: steps of the encoding; 0 for those of the sampler, as an SDE needs.
        iterations: most network calls to invert one step of an ODE.
        start: "both" for the interpolated codes of both images, or "average" for the code of the mean image.
        blends: number of interpolation weights (search).
        gradient: gradient method (guide).
        adjoint_steps: M, steps of the adjoint; None for N.
        updates: number of updates of the start (guide), or of eps_hat in each step (greedy).
        draft: (steps, updates) before the others, with fewer sampling steps; None for none.
        optimizer: of the updates.
        rates: learning rates of the variables that are optimised, by name.
        normalize: whether gradients are normalised.
        views: number of augmented copies of the image in the loss.
        page: settings of the studio (page).
        plain: whether the studio's loss is eq. 5.1 alone (page).
    """

    name: str
    kind: Kind = "guide"
    steps: int = 20
    sde: bool = False
    order: int = 1
    family: Family = "noise"
    encoding: int = 0
    iterations: int = 5
    start: Literal["both", "average"] = "both"
    blends: int = 1
    gradient: Gradient = "discrete"
    adjoint_steps: int | None = None
    updates: int = 0
    draft: tuple[int, int] | None = None
    optimizer: str = "sgd"
    rates: Mapping[str, float] = field(default_factory=dict)
    normalize: bool = False
    views: int = 0
    page: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False

    def settings(self) -> dict[str, Any]:
        """All fields but the name, as in JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["name"]
        unset = [name for name in ("page", "plain") if not plain[name]]
        for name in unset:
            del plain[name]  # older rows were made without these fields, and their keys must stay
        return plain

    @property
    def key(self) -> str:
        """A short hash of the settings, which distinguishes rows of one name with different settings."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:10]

    @property
    def alone(self) -> bool:
        """Whether pairs cannot be batched: L-BFGS has one line search for all images, the studio one pair per run."""
        return self.optimizer == "lbfgs" or self.kind == "page"

    def sampler(self, scheduler: Any, steps: int | None = None) -> Sampler:
        """The sampler with `steps` or N steps; sets the scheduler's timesteps."""
        scheduler.set_timesteps(self.steps if steps is None else steps)
        final: Any = "sigma_min" if self.sde else "scheduler"
        return Sampler.from_scheduler(scheduler, sde=self.sde, order=self.order, family=self.family, final=final)

    def gradient_method(self) -> GradientMethod:
        """The gradient method."""
        m = self.adjoint_steps
        if self.gradient == "subgrid":
            return SubgridAdjoint(self.steps if m is None else m)
        if self.gradient == "resolved_1":
            return ContinuousAdjoint(order=1, steps=m, trajectory="resolved")
        if self.gradient.startswith("adjoint"):
            return ContinuousAdjoint(order=2 if self.gradient == "adjoint_2" else 1, steps=m)
        return Reversible() if self.gradient == "reversible" else DiscreteAdjoint()

    def backward_calls(self, steps: int) -> int:
        """Network calls of one backward pass through a sampler of `steps` steps."""
        if self.gradient == "reversible":
            return 2 * steps - 1
        return steps if self.adjoint_steps is None else self.adjoint_steps

    def expected_calls(self) -> int:
        """The approximate number of network calls of one morph, with the encoding."""
        faces = 0 if self.kind in UNCODED else 1 if self.start == "average" else 2
        encoding = self.encoding or self.steps * (1 if self.sde else self.iterations)
        runs = [(self.steps, self.updates * (_LINE_SEARCH if self.optimizer == "lbfgs" else 1))]
        runs += [self.draft] if self.draft else []
        sampled = {
            "sample": self.steps,
            "search": self.steps * self.blends,
            "greedy": self.steps,
            "guide": sum((k + 1) * n + k * self.backward_calls(n) for n, k in runs),
            "page": (2 * self.updates + _AROUND) * self.steps,
        }
        return faces * encoding + sampled.get(self.kind, 0)
