"""`World`: whether a picture is of the kind a small model knows, measured by how well its code z redraws it.

The embedded model's decoder predicts a picture m(z) and how far each pixel will stray from it, s(z). What strays is

    strangeness = sqrt(mean over pixels and colours of ((x - m(z)) / s(z))^2),

about 1 for a picture like those it learned from. Measured with the weights that ship: 2400 validation renders have a
median of 0.96 and a largest of 1.20, 2400 test renders 0.96 and 1.39. Of 33 photographs and drawings from the test
data of image libraries, cropped to their middle, the least strange has 2.3 and the median 4.5; smooth gradients,
checkerboards and coloured noise of every spectrum have 2.4 to 12. Renders cut to 1 / 1.25 of their side have 1.9: a
clay face that is cropped too close is strange, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.world import load_world
from studio.images.framing import CLAY, Framing
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model

LIMIT = 1.8


class Sight(NamedTuple):
    """A picture as a model's code holds it, and how strange it is to the model."""

    redrawn: Image.Image
    strangeness: float

    @property
    def outside(self) -> bool:
        """Whether the picture is of another kind than those the model learned from."""
        return self.strangeness > LIMIT


@dataclass(frozen=True)
class World:
    """What a model of one kind of picture knows.

    Args:
        framing: how its pictures show a face.
        describe: image (1, 3, h, w) in [-1, 1], on the CPU -> mean and spread of its pixels given its code.
    """

    framing: Framing
    describe: Callable[[Tensor], tuple[Tensor, Tensor]]

    @torch.no_grad()
    def see(self, picture: Image.Image) -> Sight:
        """A picture at the model's size, through its code."""
        x = to_tensor(picture)
        mean, spread = self.describe(x)
        return Sight(to_image(mean), float(((x - mean) / spread).square().mean().sqrt()))


def world_of(model: Model) -> World | None:
    """The embedded model's; None for a model that knows more than one kind of picture, or that nothing was measured of.

    It works on the CPU wherever the model lives: a look costs milliseconds, and must not wait for a busy device.
    """
    if not isinstance(model.network, DiffusionAutoencoder):
        return None
    network: Any = model.network if model.device.type == "cpu" else _on_cpu()

    def describe(image: Tensor) -> tuple[Tensor, Tensor]:
        decoded = network.decoder(network.encode(image))
        return decoded.mean, decoded.spread

    return World(CLAY, describe)


@cache
def _on_cpu() -> DiffusionAutoencoder:
    return load_world().autoencoder
