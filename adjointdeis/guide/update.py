"""One update: from the point where the loop stands to the next one at which everything is finite.

A step to where the loss or a gradient is not finite is taken back and made again at half the rate, at most so often as
the rules allow; an image that then still fails keeps its last good state.
"""

from __future__ import annotations

import torch
from torch import Tensor

from adjointdeis.guide.evaluation import Evaluate, Point
from adjointdeis.guide.norm_prior import shell_distance
from adjointdeis.guide.optimizers import Recipe
from adjointdeis.guide.step_options import StepRules
from adjointdeis.guide.stopping import Track
from adjointdeis.guide.variables import Variables


class EachOnItsOwn:
    """For optimizers that treat entries independently: every image has its own rate, and backs off alone."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, variables: Variables, evaluate: Evaluate, rules: StepRules
    ) -> None:
        self._optimizer, self._variables, self._evaluate, self._rules = optimizer, variables, evaluate, rules

    @torch.no_grad()
    def move(self, point: Point, track: Track, last: bool) -> Point:
        """The next point; the last one needs no gradient."""
        before = self._variables.copies()
        for name, g in self._rules.gradients(point.grads, self._variables, track.moving).items():
            self._variables[name].grad = g
        self._optimizer.step()
        after = self._variables.copies()
        while True:
            self._rules.step(before, after, self._variables, track.rate)
            found = self._evaluate(with_gradient=not last)
            bad = track.bad(found.finite)
            if not bad.any():
                return found
            track.halve(bad)


class AllTogether:
    """For L-BFGS, whose line search and curvature belong to the whole batch: the sum of the losses of those that move.

    Its line search evaluates several points an update. A point that is not finite ends it: the best one before that is
    taken, or, if none was better than the start, the step is taken back; and all halve their rate at once.
    """

    def __init__(self, recipe: Recipe, variables: Variables, evaluate: Evaluate, rules: StepRules) -> None:
        self._recipe, self._variables, self._evaluate, self._rules = recipe, variables, evaluate, rules
        self._optimizer: torch.optim.Optimizer | None = None
        self._moving = torch.zeros(0, dtype=torch.bool)
        self._unit = 1.0
        self._seen: list[float] = []
        self._best: dict[str, Tensor] = {}

    @torch.no_grad()
    def move(self, point: Point, track: Track, last: bool) -> Point:
        """The next point; the last one needs no gradient."""
        before = self._variables.copies()
        while track.moving.any():
            optimizer = self._fresh_if_needed(point, track)
            bad = track.bad(self._search(optimizer))
            better = not bad.any() or min(self._seen) < self._seen[0]
            self._rules.step(before, self._variables.copies(), self._variables, self._moving.double())
            found = self._evaluate(with_gradient=not last)
            if (worse := track.bad(found.finite)).any():
                bad, better = worse, False
            if bad.any():
                self._optimizer = None
                track.halve_all(bad)
            if better:
                return found
            self._variables.put(before)
        return self._evaluate(with_gradient=not last)

    def _search(self, optimizer: torch.optim.Optimizer) -> Tensor:
        """One update; which images were finite all along, (b,). If not all were, the best point seen is taken."""
        self._seen = []
        try:
            optimizer.step(self._closure)  # type: ignore[arg-type]
        except _Fell as fall:
            self._variables.put(self._best)
            return fall.finite
        return torch.ones_like(self._moving)

    def _closure(self) -> Tensor:
        """The loss of those that move, with its gradient, both brought to order one."""
        point = self._evaluate()
        if (self._moving & ~point.finite).any():
            raise _Fell(point.finite)
        for name, g in self._rules.gradients(point.grads, self._variables, self._moving).items():
            self._variables[name].grad = g / self._unit
        loss = point.loss if point.loss.dim() == 0 else point.loss[self._moving.to(point.loss.device)].sum()
        if self._rules.shell:
            x_T = self._variables["x_T"]
            loss = loss + self._rules.shell * shell_distance(x_T)[self._moving.to(x_T.device)].sum()
        if float(loss) < min(self._seen, default=float("inf")):
            self._best = self._variables.copies()
        self._seen.append(float(loss))
        return loss / self._unit

    def _fresh_if_needed(self, point: Point, track: Track) -> torch.optim.Optimizer:
        """What it learned of the curvature holds for the images that moved then, and for no others."""
        if self._optimizer is None or not torch.equal(self._moving, track.moving):
            self._moving = track.moving
            grads = self._rules.gradients(point.grads, self._variables, self._moving).values()
            self._unit = max(float(g.abs().max()) for g in grads) or 1.0
            self._optimizer = self._recipe.build(self._variables, float(track.rate.max()))
        return self._optimizer


Mover = EachOnItsOwn | AllTogether


class _Fell(Exception):
    """A line search came to a point that is not finite."""

    def __init__(self, finite: Tensor) -> None:
        super().__init__("the line search came to a point that is not finite")
        self.finite = finite
