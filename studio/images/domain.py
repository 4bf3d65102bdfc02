"""`Domain`: whether an image is from the domain of the embedded model's training images.

The embedded model's decoder predicts, from the code z of an image x, the mean m(z) and the spread s(z) of each pixel.
The out-of-distribution score is the normalised reconstruction error

    score = sqrt(mean over pixels and channels of ((x - m(z)) / s(z))^2),

about 1 for training images. Measured with the weights that ship: 2400 validation renders have a median of 0.96 and a
maximum of 1.20, 2400 test renders 0.96 and 1.39. 33 photographs and drawings from the test data of image libraries,
centre crops, have a minimum of 2.3 and a median of 4.5; smooth gradients, checkerboards and coloured noise of every
spectrum have 2.4 to 12. Renders cropped to 1 / 1.25 of their side have 1.9: a face that is cropped too close is out of
distribution too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.world import DEFAULT_FOLDER, FOLDER_128
from losses.strangeness import Reconstruct, out_of_distribution
from studio.images.framing import CLAY, Framing
from studio.images.load import to_image, to_tensor

LIMIT = 1.8
"""Images with a larger score are out of distribution."""


class DomainCheck(NamedTuple):
    """The reconstruction of an image from its code z, and the out-of-distribution score."""

    reconstruction: Image.Image
    score: float

    @property
    def outside(self) -> bool:
        """Whether the image is out of distribution."""
        return self.score > LIMIT


@dataclass(frozen=True)
class Domain:
    """The domain of a model's training images.

    Args:
        framing: size and position of the faces in them.
        reconstruct: image (1, 3, h, w) in [-1, 1], on the CPU -> mean and spread of its pixels given its code.
    """

    framing: Framing
    reconstruct: Reconstruct

    @torch.no_grad()
    def check(self, image: Image.Image) -> DomainCheck:
        """Check an image of the model's size."""
        x = to_tensor(image)
        mean, spread = self.reconstruct(x)
        return DomainCheck(to_image(mean), float(out_of_distribution(x, mean, spread)[0]))


def domain_of_network(network: DiffusionAutoencoder) -> Domain:
    """The domain of an embedded model's network on the CPU."""
    decode = decoder_of(network)
    return Domain(CLAY, lambda image: decode(network.encode(image)))


def decoder_of(network: DiffusionAutoencoder) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """z -> mean and spread of the pixels given z; differentiable, on the network's device."""

    def decode(z: Tensor) -> tuple[Tensor, Tensor]:
        decoded = network.decoder(z)
        return decoded.mean, decoded.spread

    return decode


@cache
def clay_network(size: int) -> DiffusionAutoencoder:
    """The embedded model's network for 64 or 128 pixels, on the CPU, whichever model is loaded."""
    folder = DEFAULT_FOLDER if size == 64 else FOLDER_128
    return DiffusionAutoencoder.from_folder(folder / "diffusion")


@cache
def clay_domain(size: int) -> Domain:
    """The domain of the embedded model of 64 or 128 pixels, whichever model is loaded."""
    return domain_of_network(clay_network(size))
