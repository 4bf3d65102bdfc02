"""The reversible schemes as samplers that run forwards and backwards on a first-order step.

    scheme              state                  step
    EDICT               (x, y)                 two DDIM steps, each with the other's eps, then both mixed (2211.12446)
    BDIA                (x_{i-1}, x_i)         x_{i+1} = x_{i-1} - D_i^- + D_i^+, D the DDIM steps from x_i (2307.10829)
    BELM                (x_{i-1}, x_i)         the two-step formula with the smallest local error in rho (2410.07273)
    reversible Heun     (y, y_hat, f)          of x / alpha over rho (2105.13493)
    coupling c          (x, u)                 McCallum & Foster's (2410.11648), in the noise or the data family

The number in brackets is that of the paper on arXiv.
"""

# ruff: noqa: D102 - Scheme documents the methods

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from adjointdeis import Grid
from benchmarks.gaussian_mixture import Mixture

State = tuple[Tensor, ...]
"""The state of a scheme: two or three tensors (b, *x)."""


@dataclass(frozen=True)
class Solver:
    """Grid, network and conditioning of a sampling; `dtype` is that of the network calls."""

    grid: Grid
    net: Mixture
    z: Tensor
    dtype: torch.dtype

    def eps(self, i: int, x: Tensor) -> Tensor:
        """eps at node i."""
        t = torch.full((len(x),), self.grid.times[i], dtype=torch.float64)
        return self.net(t, x.to(self.dtype), self.z.to(self.dtype)).to(x.dtype)

    def ddim(self, i: int, j: int, x: Tensor, eps: Tensor) -> Tensor:
        """The DDIM step from node i to node j with a given eps."""
        alpha, sigma = self.grid.alpha, self.grid.sigma
        return alpha[j] / alpha[i] * x + (sigma[j] - alpha[j] * sigma[i] / alpha[i]) * eps


class Scheme(Protocol):
    """A sampler that can be inverted step by step from its last state."""

    @property
    def first(self) -> int:
        """The first step that can be inverted."""

    @property
    def spare(self) -> int:
        """The number of last steps that cannot be inverted."""

    def init(self, solver: Solver, x_T: Tensor) -> State:
        """The state before step `first`."""

    def step(self, solver: Solver, i: int, s: State) -> State:
        """Step i."""

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        """The inverse of step i."""

    def image(self, solver: Solver, s: State) -> Tensor:
        """The image, from the state after step N - spare - 1."""

    def recover(self, solver: Solver, s: State) -> Tensor:
        """x_T, from the state before step `first`."""


@dataclass(frozen=True)
class Edict:
    """Coupled inversion with mixing weight p."""

    p: float = 0.93
    first: int = 0
    spare: int = 0

    def init(self, solver: Solver, x_T: Tensor) -> State:
        return x_T, x_T

    def step(self, solver: Solver, i: int, s: State) -> State:
        x = solver.ddim(i, i + 1, s[0], solver.eps(i, s[1]))
        y = solver.ddim(i, i + 1, s[1], solver.eps(i, x))
        x = self.p * x + (1 - self.p) * y
        return x, self.p * y + (1 - self.p) * x

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        y = (s[1] - (1 - self.p) * s[0]) / self.p
        x = (s[0] - (1 - self.p) * y) / self.p
        # with the same eps, the DDIM step from i + 1 to i is the inverse of that from i to i + 1
        y = solver.ddim(i + 1, i, y, solver.eps(i, x))
        return solver.ddim(i + 1, i, x, solver.eps(i, y)), y

    def image(self, solver: Solver, s: State) -> Tensor:
        return s[0]

    def recover(self, solver: Solver, s: State) -> Tensor:
        return s[0]


@dataclass(frozen=True)
class _TwoStep:
    """What BDIA and BELM share: the state (x_{i-1}, x_i), begun by a DDIM step."""

    first: int = 1
    spare: int = 0

    def init(self, solver: Solver, x_T: Tensor) -> State:
        return x_T, solver.ddim(0, 1, x_T, solver.eps(0, x_T))

    def image(self, solver: Solver, s: State) -> Tensor:
        return s[1]

    def recover(self, solver: Solver, s: State) -> Tensor:
        return s[0]


@dataclass(frozen=True)
class Bdia(_TwoStep):
    """Bidirectional integration with gamma = 1, which has the smallest rounding error."""

    def step(self, solver: Solver, i: int, s: State) -> State:
        eps = solver.eps(i, s[1])
        return s[1], solver.ddim(i, i + 1, s[1], eps) + (s[0] - solver.ddim(i, i - 1, s[1], eps))

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        eps = solver.eps(i, s[0])
        return solver.ddim(i, i - 1, s[0], eps) + (s[1] - solver.ddim(i, i + 1, s[0], eps)), s[0]


@dataclass(frozen=True)
class Belm(_TwoStep):
    """The optimal bidirectional explicit linear multistep sampler with two steps."""

    def _weights(self, solver: Solver, i: int) -> tuple[float, float]:
        rho = solver.grid.rho
        h, before = rho[i] - rho[i + 1], rho[i - 1] - rho[i]
        return (h / before) ** 2, h * (h + before) / before

    def step(self, solver: Solver, i: int, s: State) -> State:
        a, (q, w) = solver.grid.alpha, self._weights(solver, i)
        y = q * s[0] / a[i - 1] + (1 - q) * s[1] / a[i] - w * solver.eps(i, s[1])
        return s[1], a[i + 1] * y

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        a, (q, w) = solver.grid.alpha, self._weights(solver, i)
        y = (s[1] / a[i + 1] - (1 - q) * s[0] / a[i] + w * solver.eps(i, s[0])) / q
        return a[i - 1] * y, s[0]


@dataclass(frozen=True)
class Heun:
    """Reversible Heun for dy/drho = eps."""

    first: int = 0
    spare: int = 0

    def init(self, solver: Solver, x_T: Tensor) -> State:
        return x_T / solver.grid.alpha[0], x_T / solver.grid.alpha[0], solver.eps(0, x_T)

    def step(self, solver: Solver, i: int, s: State) -> State:
        return self._step(solver, i, i + 1, s)

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        return self._step(solver, i + 1, i, s)

    def _step(self, solver: Solver, i: int, j: int, s: State) -> State:
        y, hat, f = s
        h = solver.grid.rho[j] - solver.grid.rho[i]
        hat = 2 * y - hat + h * f
        g = solver.eps(j, solver.grid.alpha[j] * hat)
        return y + h / 2 * (f + g), hat, g

    def image(self, solver: Solver, s: State) -> Tensor:
        return s[0] * solver.grid.alpha[-1]

    def recover(self, solver: Solver, s: State) -> Tensor:
        return s[0] * solver.grid.alpha[0]


@dataclass(frozen=True)
class Coupled:
    """The scheme of adjointdeis/gradients/reversible.py, in the noise or the data family."""

    c: float
    family: str = "data"
    first: int = 0
    spare: int = 1

    def _m(self, solver: Solver, i: int, x: Tensor) -> Tensor:
        eps = solver.eps(i, x)
        return eps if self.family == "noise" else (x - solver.grid.sigma[i] * eps) / solver.grid.alpha[i]

    def _row(self, solver: Solver, i: int) -> tuple[float, float]:
        (a_s, a_t), (s_s, s_t) = solver.grid.alpha[i : i + 2], solver.grid.sigma[i : i + 2]
        return (a_t / a_s, s_t - a_t * s_s / a_s) if self.family == "noise" else (s_t / s_s, a_t - s_t * a_s / s_s)

    def init(self, solver: Solver, x_T: Tensor) -> State:
        return x_T, x_T

    def step(self, solver: Solver, i: int, s: State) -> State:
        A, B = self._row(solver, i)
        x = A * (self.c * s[0] + (1 - self.c) * s[1]) + B * self._m(solver, i, s[1])
        return x, A * s[1] + B * self._m(solver, i + 1, x)

    def inverse(self, solver: Solver, i: int, s: State) -> State:
        A, B = self._row(solver, i)
        u = (s[1] - B * self._m(solver, i + 1, s[0])) / A
        return ((s[0] - B * self._m(solver, i, u)) / A - (1 - self.c) * u) / self.c, u

    def image(self, solver: Solver, s: State) -> Tensor:
        i = solver.grid.steps - 1
        A, B = self._row(solver, i)
        return A * (self.c * s[0] + (1 - self.c) * s[1]) + B * self._m(solver, i, s[1])

    def recover(self, solver: Solver, s: State) -> Tensor:
        return s[1]


SCHEMES: dict[str, Scheme] = {
    "EDICT, p = 0.93": Edict(),
    "BDIA, gamma = 1": Bdia(),
    "BELM": Belm(),
    "reversible Heun": Heun(),
    "coupling 0.97, noise": Coupled(0.97, "noise"),
    "coupling 1, data": Coupled(1.0),
    "coupling 0.97, data": Coupled(0.97),
    "coupling 0.9, data": Coupled(0.9),
}
