"""DDIM sampling with the embedded model, for its training and evaluation only.

First-order steps in sigma = sqrt(1 - a) / sqrt(a) (DDIM, Song et al. 2020, arXiv 2010.02502, eq. 13):

    y = x / sqrt(a),   y_next = y + (sigma_next - sigma) eps(t, x, z)

The demo samples with `adjointdeis`, which `clay` does not import.
"""

from itertools import pairwise

import torch
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.scheduler import sampling_times


def times(steps: int) -> Tensor:
    """Training times 999 = t_0 > ... > t_steps = 0, round(999 (1 - i / steps)^2); (steps + 1,) int64."""
    return (999 * torch.linspace(1, 0, steps + 1) ** 2).round().long()


def few_times(model: DiffusionAutoencoder, steps: int) -> Tensor:
    """The times of the scheduler's grid, with which the demo samples in few steps, and 0; (steps + 1,) int64."""
    return torch.cat([sampling_times(model.scheduler, steps), torch.zeros(1, dtype=torch.int64)])


@torch.no_grad()
def ddim(model: DiffusionAutoencoder, x: Tensor, z: Tensor, grid: Tensor) -> Tensor:
    """DDIM steps from x along `grid`; falling times sample, rising times invert.

    Args:
        model: the autoencoder.
        x: (b, 3, side, side), the state at the first time.
        z: codes (b, 128).
        grid: training times (n,).

    Returns:
        The state at the last time.
    """
    for here, there in pairwise(grid):
        a_s, a_t = model.alphas_cumprod[here], model.alphas_cumprod[there]
        eps = model(here.expand(len(x)), x, z)
        sigma_s, sigma_t = ((1 - a_s) / a_s).sqrt(), ((1 - a_t) / a_t).sqrt()
        x = a_t.sqrt() * (x / a_s.sqrt() + (sigma_t - sigma_s) * eps)
    return x


def slerp(a: Tensor, b: Tensor, weights: Tensor) -> Tensor:
    """sin((1 - w) o) / sin(o) a + sin(w o) / sin(o) b for each w in `weights` (n,), o the angle between a and b."""
    angle = torch.arccos((a * b).sum() / (a.norm() * b.norm()))
    w = weights.view(-1, *[1] * a.ndim)
    return (torch.sin((1 - w) * angle) * a + torch.sin(w * angle) * b) / torch.sin(angle)
