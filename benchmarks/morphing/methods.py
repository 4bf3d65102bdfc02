"""How a morph is made, as data: every method of the paper's tables, and ours, is one `Method`.

| kind | what it does | from |
|---|---|---|
| first | the first person's own picture, no morph: what judges say of a genuine picture | |
| average | the mean of both pictures, pixel by pixel | |
| sample | z on a line, x_T (and noises) on great circles, sampled | DiM, Fast-DiM |
| search | many such, from one person to the other; the one with the lowest loss | Morph-PIPE |
| greedy | one sample, whose eps_hat is optimised in every step by the loss of x0_hat | Greedy-DiM, 2404.06025 |
| guide | the sample, then updates of its start by gradients through the sampler | AdjointDEIS, and ours |
| page | the studio's own morph at one of its presets, from the first call to the last | ours |
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

UNCODED = ("first", "average", "page")  # kinds that need no network, or encode by themselves
PLAIN_INVERSION = 250  # steps of the paper's encoding, each solved by a single call
_AROUND = 6  # samplings of a page's morph beside its updates: two faces encoded and checked, the plain morph, the last
_LINE_SEARCH = 12  # evaluations of an update of L-BFGS, at most


@dataclass(frozen=True)
class Method:
    """One row of a table.

    Args:
        name: unique.
        kind: see the table above.
        steps: N of the sampler.
        sde, order, family: of the sampler.
        encoding: steps of the encoding; 0 for those of the sampler itself (an SDE's must be).
        iterations: most network calls to invert one step of an ODE.
        start: "both", the two encodings met in the middle, or "average", the encoding of the pictures' mean.
        blends: how many shares are tried (search).
        gradient: how to differentiate; `adjoint_steps` is M, None for N.
        updates: of the start (guide), or of every step's eps_hat (greedy).
        draft: (steps, updates) made before, with fewer sampling steps; None for none.
        optimizer, rates, normalize: of the updates; rates by variable name the variables that move.
        views: how many slightly changed views of the picture the loss looks at beside the picture itself.
        page: the studio's settings, whatever they say beside (page).
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

    def settings(self) -> dict[str, Any]:
        """All that the morph depends on beside pictures and weights, as JSON has it."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        del plain["name"]
        if not self.page:
            del plain["page"]  # younger than the rows of all other kinds, whose keys must stay
        return plain

    @property
    def key(self) -> str:
        """A short name of the settings: rows of other settings under the same name are not mixed up with these."""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()[:10]

    @property
    def alone(self) -> bool:
        """Whether pairs cannot share a batch: L-BFGS has one line search for all images, a visitor morphs one pair."""
        return self.optimizer == "lbfgs" or self.kind == "page"

    def sampler(self, scheduler: Any, steps: int | None = None) -> Sampler:
        """The table, of `steps` steps; writes its grid into the scheduler."""
        scheduler.set_timesteps(self.steps if steps is None else steps)
        final: Any = "sigma_min" if self.sde else "scheduler"
        return Sampler.from_scheduler(scheduler, sde=self.sde, order=self.order, family=self.family, final=final)

    def gradient_method(self) -> GradientMethod:
        """How to differentiate through the sampler."""
        m = self.adjoint_steps
        if self.gradient == "subgrid":
            return SubgridAdjoint(self.steps if m is None else m)
        if self.gradient == "resolved_1":
            return ContinuousAdjoint(order=1, steps=m, trajectory="resolved")
        if self.gradient.startswith("adjoint"):
            return ContinuousAdjoint(order=2 if self.gradient == "adjoint_2" else 1, steps=m)
        return Reversible() if self.gradient == "reversible" else DiscreteAdjoint()

    def backward_calls(self, steps: int) -> int:
        """Network calls of one way back through a sampler of so many steps."""
        if self.gradient == "reversible":
            return 2 * steps - 1
        return steps if self.adjoint_steps is None else self.adjoint_steps

    def expected_calls(self) -> int:
        """About how many network calls one morph takes, to see whether there is time for it."""
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
