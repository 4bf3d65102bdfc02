"""`Trajectory`: the sampler's states x_t from noise to image, and the image x0_hat predicted from each, as pictures.

x0_hat = (x_t - sigma_t eps_hat) / alpha_t,  or the same for a network that predicts v or x_0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from adjointdeis import Sampler
from adjointdeis.denoiser import to_x0
from studio.images.load import to_image
from studio.runs.measures.monitored import Call


@dataclass(frozen=True)
class Trajectory:
    """One picture a step of the sampler, from the noisiest on.

    Args:
        states: x_t, clipped to [-1, 1].
        estimates: the image predicted from each of them.
        noise: sigma_t of each.
    """

    states: tuple[Image.Image, ...]
    estimates: tuple[Image.Image, ...]
    noise: tuple[float, ...]


def trajectory(
    sampler: Sampler, calls: Sequence[Call], look: Callable[[Tensor], Tensor] = lambda state: state
) -> Trajectory:
    """From the recorded network calls of one pass, complete or not; `look` makes an image of a latent state."""
    states, estimates = [], []
    for i, (x, output) in enumerate(calls):
        a, b = to_x0(sampler.prediction_type, sampler.grid.alpha[i], sampler.grid.sigma[i])
        states.append(to_image(look(x)))
        estimates.append(to_image(look(a * x + b * output)))
    return Trajectory(tuple(states), tuple(estimates), tuple(sampler.grid.sigma[: len(states)]))
