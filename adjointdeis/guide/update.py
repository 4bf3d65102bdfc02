"""One update: from one evaluation to the next at which all values are finite.

If the loss or a gradient is not finite after a step, the step is undone and made again at half the rate, at most as
often as the options allow; an image that still fails then keeps its last finite state.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from adjointdeis.guide.evaluation import Evaluation, Evaluator
from adjointdeis.guide.norm_prior import norm_prior
from adjointdeis.guide.optimizers import Recipe
from adjointdeis.guide.step_options import StepOptions
from adjointdeis.guide.stopping import BatchStatus
from adjointdeis.guide.variables import Variables


class PerImageUpdater:
    """For optimizers that treat entries independently: every image has its own rate, halved for it alone."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, variables: Variables, evaluator: Evaluator, options: StepOptions
    ) -> None:
        self._optimizer, self._variables, self._evaluator, self._options = optimizer, variables, evaluator, options

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all images but these, in the variables and in the optimizer's state."""
        before = dict(self._variables)
        state = {name: dict(self._optimizer.state.pop(v, {})) for name, v in before.items()}
        kept = {
            name: {key: self._part(name, value, v, rows) for key, value in state[name].items()}
            for name, v in before.items()
        }
        names = {id(v): name for name, v in before.items()}
        self._variables.keep(rows)
        for group in self._optimizer.param_groups:
            group["params"] = [self._variables[names[id(v)]] for v in group["params"]]
        for name, values in kept.items():
            if values:
                self._optimizer.state[self._variables[name]] = values

    def _part(self, name: str, value: Any, v: Tensor, rows: Sequence[int]) -> Any:
        same = isinstance(value, Tensor) and value.shape == v.shape
        return self._variables.rows_of(name, value, rows) if same else value

    @torch.no_grad()
    def update(self, evaluation: Evaluation, status: BatchStatus, last: bool) -> Evaluation:
        """The next evaluation; the last one needs no gradient."""
        before, state = self._variables.copies(), deepcopy(self._optimizer.state_dict())
        try:
            for name, g in self._options.gradients(evaluation.grads, self._variables, status.moving).items():
                self._variables[name].grad = g
            self._optimizer.step()
            after = self._variables.copies()
            while True:
                self._options.step(before, after, self._variables, status.rate)
                found = self._evaluator(with_gradient=not last)
                failing = status.failing(found.finite)
                if not failing.any():
                    return found
                status.halve(failing)
        except BaseException:  # an update is made as a whole or not at all
            self._variables.put(before)
            self._optimizer.load_state_dict(state)
            raise


class BatchUpdater:
    """For L-BFGS, whose line search and curvature belong to the whole batch: the sum of the losses of moving images.

    Its line search makes several evaluations an update. One that is not finite ends it: the best one before that is
    taken, or, if none was better than the start, the step is undone; and all images halve their rate together.
    """

    def __init__(self, recipe: Recipe, variables: Variables, evaluator: Evaluator, options: StepOptions) -> None:
        self._recipe, self._variables, self._evaluator, self._options = recipe, variables, evaluator, options
        self._optimizer: torch.optim.Optimizer | None = None
        self._moving = torch.zeros(0, dtype=torch.bool)
        self._unit = 1.0
        self._losses: list[float] = []
        self._best: dict[str, Tensor] = {}

    def keep(self, rows: Sequence[int]) -> None:
        """Not with L-BFGS, whose curvature belongs to the batch.

        Raises:
            ValueError: always.
        """
        raise ValueError("L-BFGS moves the whole batch, so no image can leave it; use another optimizer.")

    @torch.no_grad()
    def update(self, evaluation: Evaluation, status: BatchStatus, last: bool) -> Evaluation:
        """The next evaluation; the last one needs no gradient."""
        before = self._variables.copies()
        try:
            return self._searched(before, evaluation, status, last)
        except BaseException:  # an update is made as a whole or not at all
            self._variables.put(before)
            self._optimizer = None
            raise

    def _searched(
        self, before: dict[str, Tensor], evaluation: Evaluation, status: BatchStatus, last: bool
    ) -> Evaluation:
        while status.moving.any():
            optimizer = self._current_optimizer(evaluation, status)
            failing = status.failing(self._search(optimizer))
            better = not failing.any() or min(self._losses) < self._losses[0]
            self._options.step(before, self._variables.copies(), self._variables, self._moving.double())
            found = self._evaluator(with_gradient=not last)
            if (worse := status.failing(found.finite)).any():
                failing, better = worse, False
            if failing.any():
                self._optimizer = None
                status.halve_all(failing)
            if better:
                return found
            self._variables.put(before)
        return self._evaluator(with_gradient=not last)

    def _search(self, optimizer: torch.optim.Optimizer) -> Tensor:
        """One line search; which images stayed finite, (b,). If not all did, the best evaluation's values are taken."""
        self._losses = []
        try:
            optimizer.step(self._closure)  # type: ignore[arg-type]
        except _NotFiniteInSearch as error:
            self._variables.put(self._best)
            return error.finite
        return torch.ones_like(self._moving)

    def _closure(self) -> Tensor:
        """The loss of the moving images, with its gradient, both brought to order one."""
        evaluation = self._evaluator()
        if (self._moving & ~evaluation.finite).any():
            raise _NotFiniteInSearch(evaluation.finite)
        for name, g in self._options.gradients(evaluation.grads, self._variables, self._moving).items():
            self._variables[name].grad = g / self._unit
        loss = evaluation.loss
        loss = loss if loss.dim() == 0 else loss[self._moving.to(loss.device)].sum()
        if self._options.shell:
            x_T = self._variables["x_T"]
            loss = loss + self._options.shell * norm_prior(x_T)[self._moving.to(x_T.device)].sum()
        if float(loss) < min(self._losses, default=float("inf")):
            self._best = self._variables.copies()
        self._losses.append(float(loss))
        return loss / self._unit

    def _current_optimizer(self, evaluation: Evaluation, status: BatchStatus) -> torch.optim.Optimizer:
        """A fresh one whenever other images move, because its estimate of the curvature is for one set of images."""
        if self._optimizer is None or not torch.equal(self._moving, status.moving):
            self._moving = status.moving
            grads = self._options.gradients(evaluation.grads, self._variables, self._moving).values()
            self._unit = max(float(g.abs().max()) for g in grads) or 1.0
            self._optimizer = self._recipe.build(self._variables, float(status.rate.max()))
        return self._optimizer


Updater = PerImageUpdater | BatchUpdater


class _NotFiniteInSearch(Exception):
    """A line search reached values at which the loss or a gradient is not finite."""

    def __init__(self, finite: Tensor) -> None:
        super().__init__("the line search reached values at which the loss or a gradient is not finite")
        self.finite = finite
