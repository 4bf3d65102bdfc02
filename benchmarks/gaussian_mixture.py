"""Small worlds in which everything is known: an eps network that is the exact score of a mixture of Gaussians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from adjointdeis import Denoiser, LinearVP
from adjointdeis.gradients.base import LossFn

SHAPE, FEATURES = (2, 2, 3), 4


@dataclass(frozen=True)
class Mixture:
    """Images from N(z W_k, std^2 I), k = 1..3, in equal shares, at t in [0, 1].

    A guidance scale other than 1 extrapolates away from the score for another conditioning, as classifier-free guidance
    with a negative prompt does: the flow is then no longer that of any mixture, and stiffer.

    `schedule` gives alpha and sigma at t. The network computes in the dtype of its weights.
    """

    weights: Tensor
    std: float = 0.4
    scale: float = 1.0
    schedule: Callable[[float], tuple[float, float]] = field(
        default=lambda t: (LinearVP().alpha(t), LinearVP().sigma(t))
    )

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """eps for t (b,), x (b, *x), z (b, d)."""
        assert z is not None
        with_z = self._eps(t, x, z)
        if self.scale == 1:
            return with_z
        without = self._eps(t, x, normal(1, FEATURES, seed=9).expand_as(z))
        return without + self.scale * (with_z - without)

    def _eps(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        alpha, sigma = self.schedule(float(t[0]))
        variance = alpha**2 * self.std**2 + sigma**2
        own = self.weights.dtype
        offsets = x.to(own).flatten(1) - alpha * torch.einsum("bd,kdx->kbx", z.to(own), self.weights)
        share = torch.softmax(-offsets.square().sum(-1) / (2 * variance), dim=0)
        return (sigma / variance * (share[..., None] * offsets).sum(0)).view_as(x).to(x.dtype)

    def to(self, dtype: torch.dtype) -> Mixture:
        """The same network, computing in another dtype."""
        return replace(self, weights=self.weights.to(dtype))


def mixture(std: float = 0.4, scale: float = 1.0) -> Mixture:
    """The mixture of all of these benchmarks."""
    return Mixture(0.5 * normal(3, FEATURES, 12, seed=3), std, scale)


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Problem:
    """A network, a start and a conditioning, and the loss: half the squared distance to a target."""

    model: Denoiser
    x_T: Tensor
    z: Tensor
    target: Tensor

    @property
    def loss_fn(self) -> LossFn:
        """image (b, *x) -> (b,)."""
        return lambda image: 0.5 * (image - self.target).square().flatten(1).sum(1)


def problem(model: Denoiser, batch: int = 4) -> Problem:
    """One start, conditioning and target for a network."""
    return Problem(model, normal(batch, *SHAPE, seed=0), normal(batch, FEATURES, seed=1), normal(batch, *SHAPE, seed=2))


def relative_error(found: Tensor, truth: Tensor) -> float:
    """|found - truth| / |truth|."""
    return float((found - truth).norm() / truth.norm())
