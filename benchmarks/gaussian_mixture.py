"""Problems with a known solution: the eps network is the exact score of a Gaussian mixture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adjointdeis import Denoiser, LinearVP
from adjointdeis.gradients.problem import LossFn

SHAPE, FEATURES = (2, 2, 3), 4


@dataclass(frozen=True)
class Mixture:
    """eps(t, x, z) of a mixture of N(z W_k, std^2 I), k = 1..3, with equal weights.

    Args:
        weights: W, (3, d, n) for z (b, d) and images of n values; the network computes in their dtype.
        std: standard deviation of each component.
        scale: guidance scale. Other than 1, the output is extrapolated from that for a fixed other conditioning, as in
            classifier-free guidance with a negative prompt; the flow is then stiffer and not that of a mixture.
        schedule: t -> alpha, sigma.
    """

    weights: Tensor
    std: float = 0.4
    scale: float = 1.0
    schedule: Callable[[float], tuple[float, float]] = field(
        default=lambda t: (LinearVP().alpha(t), LinearVP().sigma(t))
    )

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """eps (b, *x) for t (b,), x (b, *x), z (b, d)."""
        assert z is not None
        with_z = self._eps(t, x, z)
        if self.scale == 1:
            return with_z
        without = self._eps(t, x, normal(1, FEATURES, seed=9).expand_as(z))
        return without + self.scale * (with_z - without)

    def _eps(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        alpha, sigma = self.schedule(float(t[0]))
        variance = alpha**2 * self.std**2 + sigma**2
        dtype = self.weights.dtype
        offsets = x.to(dtype).flatten(1) - alpha * torch.einsum("bd,kdx->kbx", z.to(dtype), self.weights)
        posterior = torch.softmax(-offsets.square().sum(-1) / (2 * variance), dim=0)
        return (sigma / variance * (posterior[..., None] * offsets).sum(0)).view_as(x).to(x.dtype)

    def to(self, dtype: torch.dtype) -> Mixture:
        """The network, computing in another dtype."""
        return replace(self, weights=self.weights.to(dtype))


def mixture(std: float = 0.4, scale: float = 1.0) -> Mixture:
    """The mixture that the benchmarks use."""
    return Mixture(0.5 * normal(3, FEATURES, 12, seed=3), std, scale)


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal values, float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Problem:
    """A network, x_T, z, and a target image for the loss 1/2 |image - target|^2."""

    model: Denoiser
    x_T: Tensor
    z: Tensor
    target: Tensor

    @property
    def loss_fn(self) -> LossFn:
        """image (b, *x) -> (b,)."""
        return lambda image: 0.5 * (image - self.target).square().flatten(1).sum(1)


def problem(model: Denoiser, batch: int = 4) -> Problem:
    """A problem for a network, with fixed random x_T, z and target."""
    return Problem(model, normal(batch, *SHAPE, seed=0), normal(batch, FEATURES, seed=1), normal(batch, *SHAPE, seed=2))


def relative_error(found: Tensor, truth: Tensor) -> float:
    """|found - truth| / |truth|."""
    return float((found - truth).norm() / truth.norm())
