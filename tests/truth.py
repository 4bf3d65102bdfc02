"""Worlds in which the right answer is known: networks with an exact score."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adjointdeis import Grid, LinearVP, Sampler
from adjointdeis.gradients.problem import Problem
from adjointdeis.shapes import Scheduled

SCHEDULE = LinearVP()


@dataclass(frozen=True)
class Gaussian:
    """Images from N(mean(z), std^2 I) with mean(z) = z W. The eps network and the flow are closed-form.

    eps(t, x, z) = sigma_t (x - alpha_t mean) / v_t,    v_t = alpha_t^2 std^2 + sigma_t^2
    the probability-flow ODE keeps (x_t - alpha_t mean) / sqrt(v_t) constant.
    """

    weight: Tensor  # (d, c h w)
    shape: tuple[int, ...]
    std: float = 0.5
    schedule: LinearVP = field(default=SCHEDULE)

    def mean(self, z: Tensor) -> Tensor:
        return (z @ self.weight).view(-1, *self.shape)

    def __call__(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        alpha, sigma = (getattr(self.schedule, k)(float(t[0])) for k in ("alpha", "sigma"))
        return sigma * (x - alpha * self.mean(z)) / (alpha**2 * self.std**2 + sigma**2)

    def flow(self, grid: Grid, x_T: Tensor, z: Tensor) -> Tensor:
        """The exact x at the grid's clean end."""
        a_T, s_T, a_0, s_0 = grid.alpha[0], grid.sigma[0], grid.alpha[-1], grid.sigma[-1]
        ratio = math.sqrt((a_0**2 * self.std**2 + s_0**2) / (a_T**2 * self.std**2 + s_T**2))
        mean = self.mean(z)
        return a_0 * mean + ratio * (x_T - a_T * mean)


@dataclass(frozen=True)
class Mixture:
    """Images from an equal mixture of N(mean_k(z), std^2 I) with mean_k(z) = z W_k: a non-linear flow."""

    weights: Tensor  # (k, d, c h w)
    shape: tuple[int, ...]
    std: float = 0.4
    schedule: LinearVP = field(default=SCHEDULE)

    def __call__(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        alpha, sigma = (getattr(self.schedule, k)(float(t[0])) for k in ("alpha", "sigma"))
        variance = alpha**2 * self.std**2 + sigma**2
        offsets = x.flatten(1) - alpha * torch.einsum("bd,kdx->kbx", z, self.weights)
        share = torch.softmax(-offsets.square().sum(-1) / (2 * variance), dim=0)
        return (sigma / variance * (share[..., None] * offsets).sum(0)).view_as(x)


class Tangle(torch.nn.Module):
    """A smooth non-linear network with parameters, for any shape of state and of z."""

    def __init__(self, channels: int, features: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.mix = torch.nn.Parameter(0.3 * torch.randn(channels, channels, generator=generator))
        self.inject = torch.nn.Parameter(0.5 * torch.randn(features, channels, generator=generator))

    def forward(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        time = (t.to(x.dtype) / 1000).view(-1, *[1] * (x.dim() - 1))
        y = torch.einsum("ij,bj...->bi...", self.mix.to(x.dtype), x)
        if z is not None:
            injected = z.flatten(1) @ self.inject.to(x.dtype)
            y = y + (1 - time) * injected.view(*injected.shape, *[1] * (x.dim() - 2))
        return torch.tanh(y) + 0.6 * x


def gaussian(shape: tuple[int, ...] = (2, 2, 3), features: int = 4) -> Gaussian:
    return Gaussian(_normal(features, math.prod(shape)), shape)


def mixture(shape: tuple[int, ...] = (2, 2, 3), features: int = 4) -> Mixture:
    return Mixture(_normal(3, features, math.prod(shape)), shape)


def _normal(*shape: int) -> Tensor:
    return 0.5 * torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def squared_distance(target: Tensor):
    """image -> half the squared distance to the target, one value an image."""
    return lambda image: 0.5 * (image - target).square().flatten(1).sum(1)


def relative_error(found: Tensor, truth: Tensor) -> float:
    return float((found - truth).norm() / truth.norm())


def problem(x_T: Tensor, z: Tensor | Scheduled | None, noises: Tensor | None, wrt: tuple[str, ...]) -> Problem:
    """For tests that neither sample nor differentiate: six steps, of an SDE if there are noises."""
    sampler = Sampler.from_grid(SCHEDULE.uniform_log_snr(6), sde=noises is not None)
    return Problem(lambda t, x, z: x, sampler, x_T, z, squared_distance(0.0), noises, wrt)
