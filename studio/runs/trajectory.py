"""`Trajectory`: the sampler's way from noise to image, as pictures: every x_t, and the image the network saw in it.

x0_hat = (x_t - sigma_t eps_hat) / alpha_t,  written for what the network predicts
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from adjointdeis import Sampler
from adjointdeis.denoiser import to_x0
from studio.images.load import to_image
from studio.runs.monitored import Call


@dataclass(frozen=True)
class Trajectory:
    """One picture a step of the sampler, from the noisiest on.

    Args:
        states: x_t, clipped to what a picture can show.
        estimates: the image predicted from each of them.
        noise: sigma_t of each.
    """

    states: tuple[Image.Image, ...]
    estimates: tuple[Image.Image, ...]
    noise: tuple[float, ...]


def trajectory(
    sampler: Sampler, calls: Sequence[Call], look: Callable[[Tensor], Tensor] = lambda state: state
) -> Trajectory:
    """From the network calls of one pass, as far as it came; `look` makes a picture of a latent state."""
    states, estimates = [], []
    for i, (x, output) in enumerate(calls):
        a, b = to_x0(sampler.prediction_type, sampler.grid.alpha[i], sampler.grid.sigma[i])
        states.append(to_image(look(x)))
        estimates.append(to_image(look(a * x + b * output)))
    return Trajectory(tuple(states), tuple(estimates), tuple(sampler.grid.sigma[: len(states)]))
