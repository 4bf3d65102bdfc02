"""Any ODE solver will do: a change of variables takes the linear part out of the probability-flow ODE.

    y = x / alpha,   rho = sigma / alpha:      dy / drho = eps_hat(alpha y, t(rho))       variance-preserving
                                               dx / dsigma = u_hat(x, t(sigma))           flow, alpha = 1 - sigma

(AdjointDEIS's authors, 2502.08006, proposition D.2, reconstructed.) What is left is not stiff where noise dominates, so
plain solvers lose nothing against exponential ones: Euler is DDIM, and its continuous adjoint is AdjointDEIS-1. Here
they are torchdiffeq's. Nothing better for diffusion is claimed: prefer DiscreteAdjoint over a second-order table. This
is for high accuracy (rk4, dopri5 with a small tolerance), for comparison, and for solvers that are known elsewhere.

A solver calls the network between the grid's nodes, so it needs t(lambda) there. At a node the network is told the
node's own time; between nodes `time`, or, without it, the times of the neighbouring nodes interpolated linearly in
lambda (in sigma for a flow, which is exact where time is proportional to sigma): of second order in the nodes'
distance, so give `time` to solvers of a higher order. A network that was trained on integer times is then asked at
fractions. Sinusoidal embeddings answer smoothly, as diffusers' exponential sigmas also assume; a network that looks its
times up in a table can follow "euler" alone, which calls at nodes only.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser, to_eps, to_flow
from adjointdeis.gradients.base import LossAndGradients, LossFn, check_loss, checked, gather
from adjointdeis.gradients.vjp import Constants, leaf, recording
from adjointdeis.sample import call, check_noises
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State

FIXED = ("euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams", "implicit_adams")
ADAPTIVE = ("dopri5", "dopri8", "bosh3", "fehlberg2", "adaptive_heun")

Time = Callable[[float], float]
"""lambda -> time, such as LinearVP().time or time_from_scheduler(scheduler)."""


@dataclass(frozen=True)
class OffTheShelf:
    """dL/d(x_T, z, theta) by a solver of torchdiffeq, through the solver or by the adjoint ODE.

    Of the sampler it takes the grid and the prediction type. Solvers with a fixed step take the grid's steps; those
    that choose their own start and end where the grid does.

    Args:
        method: of torchdiffeq: "euler", "midpoint", "heun3", "rk4", "explicit_adams", ... (fixed); "dopri5", "dopri8",
            "bosh3", ... (adaptive).
        adjoint: False differentiates through the solver's steps (exact for what was sampled, memory grows with the
            network calls); True solves the adjoint ODE backwards from node to node (odeint_adjoint, an approximation of
            the solver's order, memory of N states).
        rtol, atol: tolerances of the adaptive solvers.
        time: see above.

    Raises:
        ValueError: a method that is not one of these.
    """

    method: str = "rk4"
    adjoint: bool = False
    rtol: float = 1e-6
    atol: float = 1e-6
    time: Time | None = None

    def __post_init__(self) -> None:
        if self.method not in FIXED + ADAPTIVE:
            raise ValueError(f"method must be one of {', '.join(FIXED + ADAPTIVE)}; got {self.method!r}.")

    def sample(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        noises: Noises | Sequence[Tensor] | None = None,
    ) -> Iterator[State]:
        """The solver's states x_0 = x_T, x_1, ..., x_N at the grid's nodes; the last is the image.

        Raises:
            ImportError, NotImplementedError, ValueError: as value_and_grad does.
        """
        check(sampler, z)
        check_noises(sampler, x_T, noises)
        states = self._solve(Field(model, sampler, z, x_T.dtype, self.time), x_T, ())
        return (x.to(x_T.dtype) for x in states)

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
            ImportError: torchdiffeq is not installed.
            NotImplementedError: an SDE, one conditioning a step, or a grid of neither kind.
            ValueError: also where a variance-preserving grid starts at alpha = 0.
        """
        check(sampler, z)
        return checked(self._differentiate, model, sampler, x_T, z, loss_fn, noises, wrt)

    def _differentiate(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        _: Noises | None,
        wrt: Sequence[str],
    ) -> LossAndGradients:
        constants = Constants(model, z, wrt)
        with recording():
            start = leaf(x_T)
            field = Field(model, sampler, constants.z, x_T.dtype, self.time)
            image = self._solve(field, start, constants.leaves)[-1].to(x_T.dtype)
            loss = loss_fn(image)
            check_loss(loss, image)
            g, *shares = torch.autograd.grad(loss.sum(), [start, *constants.leaves], materialize_grads=True)
        constants.add(shares)
        return gather(loss.detach(), image.detach(), g, None, constants, wrt)

    def _solve(self, field: Field, x_T: State, parameters: Sequence[Tensor]) -> list[Tensor]:
        """The states at the nodes."""
        solvers = _torchdiffeq()
        # a device without float64 keeps the state's own
        wide = x_T.dtype if x_T.device.type == "mps" else torch.float64
        nodes = torch.tensor(field.nodes, dtype=wide, device=x_T.device)
        there, back = {}, {}
        if self.method in ADAPTIVE:
            # no step beyond the range; and torchdiffeq's own first step would hang on the state, a false gradient
            there = {"step_t": nodes[-1:], "first_step": (nodes[0] - nodes[1]) / 10}
            back = {"step_t": nodes[:1]}
        solve = partial(solvers.odeint, options=there)
        if self.adjoint:
            solve = partial(
                solvers.odeint_adjoint, options=there, adjoint_options=back, adjoint_params=tuple(parameters)
            )
        path = solve(field, x_T.to(wide) / field.scale[0], nodes, method=self.method, rtol=self.rtol, atol=self.atol)
        return [scale * y for scale, y in zip(field.scale, path, strict=True)]


class Field:
    """The right-hand side: dy/drho or dx/dsigma, a function of that variable and the state.

    `nodes` are the variable's values on the grid, `scale` what a node's state is multiplied by to become x.
    """

    def __init__(
        self, model: Denoiser, sampler: Sampler, z: Conditioning, dtype: torch.dtype, time: Time | None
    ) -> None:
        self.model, self.z, self.dtype, self.time = model, z, dtype, time
        self.grid, self.prediction = sampler.grid, sampler.prediction_type
        self.flow = is_straight(sampler.grid)
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
        """What the network is told at a value of the variable."""
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


def is_straight(grid: Grid) -> bool:
    """Whether alpha + sigma = 1 at every node."""
    return all(abs(a + s - 1) < 1e-6 for a, s in zip(grid.alpha, grid.sigma, strict=True))


def check(sampler: Sampler, z: Conditioning) -> None:
    """Raises NotImplementedError or ValueError for what has no such ODE."""
    if sampler.sde:
        raise NotImplementedError(
            "An SDE's noises are given step by step, and an off-the-shelf ODE solver calls between steps; use "
            "DiscreteAdjoint."
        )
    if isinstance(z, Scheduled):
        raise NotImplementedError(
            "An off-the-shelf solver calls between steps, where a conditioning given step by step says nothing; use "
            "DiscreteAdjoint, or one z for all steps."
        )
    grid = sampler.grid
    if is_straight(grid):
        return
    if any(abs(a * a + s * s - 1) > 1e-6 for a, s in zip(grid.alpha, grid.sigma, strict=True)):
        raise NotImplementedError(
            "OffTheShelf knows alpha and sigma between nodes for variance-preserving and flow schedules only, and this "
            "grid is neither; use DiscreteAdjoint."
        )
    if grid.alpha[0] == 0:
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
