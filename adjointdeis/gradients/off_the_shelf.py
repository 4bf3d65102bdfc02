"""Any ODE solver: a change of variables takes the linear part out of the probability-flow ODE.

    y = x / alpha,   rho = sigma / alpha:      dy / drho = eps_hat(alpha y, t(rho))       variance-preserving
                                               dx / dsigma = u_hat(x, t(sigma))           flow, alpha = 1 - sigma

(AdjointDEIS's authors, 2502.08006, proposition D.2, reconstructed.) The rest is not stiff where noise dominates, so
plain solvers lose nothing against exponential ones: Euler is DDIM, and its continuous adjoint is AdjointDEIS-1. The
solvers are torchdiffeq's. They are not better for diffusion: prefer DiscreteAdjoint over a second-order table. Use this
for high accuracy (rk4, dopri5 with a small tolerance), for comparison, and for solvers that are known elsewhere.

A solver calls the network between the grid's nodes, so it needs t(lambda) there. At a node the network is called with
the node's own time; between nodes with that of `time`, or, without it, with the times of the neighbouring nodes
interpolated linearly in lambda (in sigma for a flow, which is exact where time is proportional to sigma): of second
order in the nodes' distance, so give `time` to solvers of a higher order. A network that was trained on integer times
is then called at fractions. Sinusoidal embeddings are smooth in them, as diffusers' exponential sigmas also assume; a
network that looks its times up in a table works with "euler" alone, which calls at nodes only.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser, to_eps, to_flow
from adjointdeis.gradients.adjoint_grid import Time
from adjointdeis.gradients.base import CheckedMethod, LossAndGradients, OwnSampler, gather
from adjointdeis.gradients.loss import check_loss
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.vjp import NetworkVJP, leaf, recording
from adjointdeis.precision import widest
from adjointdeis.sample import call
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State

FIXED = ("euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams")
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")


@dataclass(frozen=True)
class OffTheShelf(CheckedMethod, OwnSampler):
    """dL/d(x_T, z, theta) by a solver of torchdiffeq, through the solver or by the adjoint ODE.

    Of the sampler it takes the grid and the prediction type. Solvers with a fixed step use the grid's steps; adaptive
    solvers use the grid's first and last node alone.

    Args:
        method: of torchdiffeq: "euler", "midpoint", "heun3", "rk4", "explicit_adams", ... (fixed); "dopri5", "dopri8",
            "bosh3", ... (adaptive).
        adjoint: False differentiates through the solver's steps (exact for the sampled image, memory grows with the
            network calls); True solves the adjoint ODE backwards from node to node (odeint_adjoint, an approximation of
            the solver's order, memory of N states).
        rtol, atol: tolerances of the adaptive solvers.
        time: see above.

    Raises:
        ValueError: a method that is not one of these. By `value_and_grad` and `sample`: also where a
            variance-preserving grid starts at alpha = 0.
        ImportError: torchdiffeq is not installed, by `value_and_grad` and `sample`.
        NotImplementedError: an SDE, one conditioning a step, or a grid of neither kind, by the same two.
    """

    method: str = "rk4"
    adjoint: bool = False
    rtol: float = 1e-6
    atol: float = 1e-6
    time: Time | None = None

    def __post_init__(self) -> None:
        if self.method not in FIXED + ADAPTIVE:
            raise ValueError(f"method must be one of {', '.join(FIXED + ADAPTIVE)}; got {self.method!r}.")

    def _states(
        self, model: Denoiser, sampler: Sampler, x_T: State, z: Conditioning, noises: Noises | None
    ) -> Iterator[State]:
        states = self._solve(Field(model, sampler, z, x_T.dtype, self.time), x_T, ())
        return (x.to(x_T.dtype) for x in states)

    def _differentiate(self, problem: Problem) -> LossAndGradients:
        network, dtype = NetworkVJP(problem.model, problem.z, problem.wrt), problem.x_T.dtype
        with recording():
            start = leaf(problem.x_T)
            field = Field(network.recorded, problem.sampler, network.z, dtype, self.time)
            image = self._solve(field, start, network.leaves)[-1].to(dtype)
            loss = problem.loss_fn(image)
            check_loss(loss, image)
            g, *shares = torch.autograd.grad(loss.sum(), [start, *network.leaves], materialize_grads=True)
        network.add(shares)
        return gather(problem, loss.detach(), image.detach(), g, None, network)

    def _solve(self, field: Field, x_T: State, parameters: Sequence[Tensor]) -> list[Tensor]:
        """The states at the nodes."""
        solvers = _torchdiffeq()
        wide = widest(x_T)
        nodes = torch.tensor(field.nodes, dtype=wide, device=x_T.device)
        forwards, backwards = {}, {}
        if self.method in ADAPTIVE:
            # no step beyond the range; torchdiffeq's own first step would depend on the state: a wrong gradient
            forwards = {"step_t": nodes[-1:], "first_step": (nodes[0] - nodes[1]) / 10}
            backwards = {"step_t": nodes[:1]}
        solve = partial(solvers.odeint, options=forwards)
        if self.adjoint:
            solve = partial(
                solvers.odeint_adjoint, options=forwards, adjoint_options=backwards, adjoint_params=tuple(parameters)
            )
        path = solve(field, x_T.to(wide) / field.scale[0], nodes, method=self.method, rtol=self.rtol, atol=self.atol)
        return [scale * y for scale, y in zip(field.scale, path, strict=True)]


class Field:
    """The right-hand side: dy/drho or dx/dsigma, a function of that variable and the state.

    `nodes` are the variable's values on the grid; a node's state times its `scale` is x.

    Raises:
        NotImplementedError, ValueError: there is no such ODE, see OffTheShelf.
    """

    def __init__(
        self, model: Denoiser, sampler: Sampler, z: Conditioning, dtype: torch.dtype, time: Time | None
    ) -> None:
        check(sampler, z)
        self.model, self.z, self.dtype, self.time = model, z, dtype, time
        self.grid, self.prediction = sampler.grid, sampler.prediction_type
        self.flow = sampler.grid.has_unit_sum(1)
        self.nodes = self.grid.sigma if self.flow else self.grid.rho
        self.scale = (1.0,) * len(self.nodes) if self.flow else self.grid.alpha

    def __call__(self, variable: Tensor, y: State) -> State:
        """eps_hat or u_hat at the variable's value, which a solver may place between nodes."""
        # a solver's rounding must not leave the range, where there is no network
        v = min(max(float(variable.detach()), self.nodes[-1]), self.nodes[0])
        alpha = 1 - v if self.flow else 1 / math.sqrt(1 + v * v)
        sigma = v if self.flow else alpha * v
        a, b = (to_flow if self.flow else to_eps)(self.prediction, alpha, sigma)
        x = y if self.flow else alpha * y
        net = call(self.model, self.time_at(v, alpha, sigma), x.to(self.dtype), self.z)
        return a * x + b * net.to(y.dtype)

    def time_at(self, v: float, alpha: float, sigma: float) -> int | float:
        """The time of the network call at a value of the variable."""
        grid, nodes = self.grid, self.nodes
        i = min(bisect.bisect_left(nodes, -v, key=lambda node: -node), len(nodes) - 1)  # nodes[i] <= v < nodes[i - 1]
        for near in (i, max(i - 1, 0)):
            if abs(nodes[near] - v) <= 1e-9 * nodes[0] * (nodes[near] / nodes[0] if nodes[near] else 1e-3):
                return grid.times[near]
        log_snr = math.log(alpha / sigma)
        if self.time is not None:
            return float(self.time(log_snr))
        s, t = (grid.sigma[i - 1], grid.sigma[i]) if self._by_sigma(i) else (grid.log_snr[i - 1], grid.log_snr[i])
        share = ((sigma if self._by_sigma(i) else log_snr) - s) / (t - s)
        return float(grid.times[i - 1] + share * (grid.times[i] - grid.times[i - 1]))

    def _by_sigma(self, i: int) -> bool:
        return self.flow or self.grid.sigma[i] == 0


def check(sampler: Sampler, z: Conditioning) -> None:
    """Raises NotImplementedError or ValueError for what has no such ODE."""
    if sampler.sde:
        raise NotImplementedError(
            "An SDE's noises are given step by step, and an off-the-shelf ODE solver calls between steps; use "
            "DiscreteAdjoint."
        )
    if isinstance(z, Scheduled):
        raise NotImplementedError(
            "An off-the-shelf solver calls between steps, where a conditioning given step by step is undefined; use "
            "DiscreteAdjoint, or one z for all steps."
        )
    if sampler.grid.has_unit_sum(1):
        return
    if not sampler.grid.has_unit_sum(2):
        raise NotImplementedError(
            "OffTheShelf needs alpha and sigma between nodes, which it has for variance-preserving and flow schedules "
            "only, and this grid is neither; use DiscreteAdjoint."
        )
    if sampler.grid.alpha[0] == 0:
        raise ValueError("y = x / alpha is infinite at the first node, where alpha = 0; lower the noise level.")


def _torchdiffeq() -> ModuleType:
    try:
        import torchdiffeq
    except ModuleNotFoundError as missing:
        raise ImportError(
            "OffTheShelf takes its solvers from torchdiffeq, which is not installed; run `pip install torchdiffeq`, or "
            "use DiscreteAdjoint()."
        ) from missing
    module: ModuleType = torchdiffeq
    return module
