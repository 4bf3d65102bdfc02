"""Discretise, then optimise: the exact gradient of the discrete sampler, one vector-Jacobian product a step.

The transpose of the sampler's table (Kidger 2022, s. 5.1.2.3, recommends this way to differentiate). With g_i =
dL/dx_i and G_i = dL/dm_i,

    G_i     = sum_j B_{i+j,j} g_{i+1+j}
    g_i     = A_i g_{i+1} + P_i G_i + (d net_i / d x)^T (Q_i G_i)
    g_z    += (d net_i / d z)^T (Q_i G_i),         g_theta likewise
    g_{w_i} = D_i g_{i+1}

The Jacobian is taken at x_i, the NOISIER end of the step. Taking it at the cleaner end is AdjointDEIS-1
(continuous_adjoint.py), which is only a first-order approximation of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.checkpointing import Advance, Drop, Keep, Restore, Reverse, plan
from adjointdeis.denoiser import Denoiser
from adjointdeis.gradient import (
    Constants,
    LossAndGradients,
    LossFn,
    check_finite,
    check_wrt,
    loss_and_cotangent,
)
from adjointdeis.sample import History, check_noises, step
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


@dataclass(frozen=True)
class DiscreteAdjoint:
    """The default gradient method: exact, and no graph outlives its step.

    With all states kept it makes N network calls without and N with a gradient, and holds N states and the
    activations of one call. A state is small beside those (256 KiB at 4 x 128 x 128), so keep all unless states are
    huge; with fewer, some steps are computed again as checkpointing.py plans, and the gradient stays the same.

    Args:
        checkpoints: the most states kept at once, >= 1; all if None.
        memory_budget: bytes the kept states may take, instead of `checkpoints`; as many are kept as fit.

    Raises:
        ValueError: both are given, or one is not positive.
    """

    checkpoints: int | None = None
    memory_budget: int | None = None

    def __post_init__(self) -> None:
        if self.checkpoints is not None and self.memory_budget is not None:
            raise ValueError("Give checkpoints or memory_budget, not both.")
        for name in ("checkpoints", "memory_budget"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        noises: Noises | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod.

        Raises:
            ValueError: also where not even one state fits into the memory budget.
        """
        check_wrt(wrt, sampler)
        w = check_noises(sampler, x_T, noises)
        backwards = _Pass(model, sampler, x_T, w, Constants(model, z, wrt), loss_fn, "noises" in wrt)
        result = backwards.run(self._states(sampler, x_T))
        grads = {"x_T": result.g} if "x_T" in wrt else {}
        if result.g_w is not None:
            grads["noises"] = result.g_w
        return check_finite(LossAndGradients(result.loss, result.image, grads | result.constants.grads()))

    def _states(self, sampler: Sampler, x_T: State) -> int | None:
        if self.memory_budget is None:
            return self.checkpoints
        size = x_T.numel() * x_T.element_size()
        if self.memory_budget >= (sampler.steps + 1) * size:
            return None
        size *= sampler.order  # a multistep sampler resumes from its history, too
        if self.memory_budget < size:
            raise ValueError(f"memory_budget is {self.memory_budget} bytes, but one state takes {size}.")
        return self.memory_budget // size


class _Pass:
    """One sampling and its reversal, as a plan says.

    After `run`: image, loss, g = dL/dx_T, g_w = dL/dw, and the constants with their sums.
    """

    def __init__(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        noises: Noises | None,
        constants: Constants,
        loss_fn: LossFn,
        wants_noises: bool,
    ) -> None:
        self.model, self.sampler, self.noises, self.loss_fn = model, sampler, noises, loss_fn
        self.constants = constants
        self.x, self.history = x_T, History()
        self.kept: dict[int, tuple[State, History]] = {}
        self.G: dict[int, Tensor] = {}
        self.g_w = torch.empty_like(noises) if noises is not None and wants_noises else None

    @torch.no_grad()
    def run(self, states: int | None) -> _Pass:
        """Follow the plan that keeps so many states; all of them if None."""
        for action in plan(self.sampler.steps, states):
            match action:
                case Keep(i):
                    # where every state is kept none is advanced from again, and none needs its history
                    self.kept[i] = (self.x, self.history if states is not None else ())
                case Restore(i):
                    self.x, self.history = self.kept[i]
                case Drop(i):
                    del self.kept[i]
                case Advance(start, stop):
                    self._advance(start, stop)
                case Reverse(i) if i == self.sampler.steps:
                    self.image = self.x
                    self.loss, self.g = loss_and_cotangent(self.loss_fn, self.x)
                case Reverse(i):
                    self._reverse(i)
        return self

    def _advance(self, start: int, stop: int) -> None:
        for i in range(start, stop):
            noise = None if self.noises is None else self.noises[i]
            self.x, self.history = step(self.sampler.rows[i], self.model, self.x, self.constants.z, self.history, noise)

    def _reverse(self, i: int) -> None:
        """From g_{i+1} to g_i, with step i's shares of the other gradients."""
        row, g = self.sampler.rows[i], self.g
        for j, weight in enumerate(row.B):
            self.G[i - j] = self.G[i - j] + weight * g if i - j in self.G else weight * g
        if self.g_w is not None:
            self.g_w[i] = row.D * g
        G_i = self.G.pop(i)
        pulled, shares = self.constants.pull_back(row.time, self.x, row.Q * G_i)
        self.constants.add(shares)
        self.g = row.A * g + row.P * G_i + pulled
