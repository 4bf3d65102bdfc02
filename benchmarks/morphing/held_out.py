"""Evaluation of a morph: margins of three face networks, and two measures of image quality.

    margin            similarity of the morph to an image of a person, minus the network's threshold at a false match
                      rate of 0.1 %; above 0 the network accepts the morph as that person
    feature distance  distance to the nearest passport image in the attribute classifier's features, divided by the
                      median of that distance between passport images; 1 is typical of real faces
    denoising error   error of the autoencoder's denoising at three noise levels, divided by that of the two faces;
                      about 1 for images like the training images, larger for other texture

Rows on disk call the last two "strangeness" and "noisiness".
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from clay.evaluation.similarity import features
from clay.networks.images import as_channels_first, to_bytes, to_unit
from clay.world import ClayWorld

RATE = "fmr_0.1_percent"
_TIMES = (100, 300, 500)


class People(NamedTuple):
    """Images of the two people of b pairs, (b, 3, h, w) each."""

    first: Tensor
    second: Tensor


def as_saved(image: Tensor) -> Tensor:
    """The image (b, 3, h, w), rounded to 8 bits per channel."""
    return to_unit(as_channels_first(to_bytes(image))).to(image.device)


class HeldOutPanel:
    """The three face networks, with the embeddings of the people of some pairs."""

    @torch.no_grad()
    def __init__(self, world: ClayWorld, people: People) -> None:
        self._networks = world.embedders
        self._known = {
            name: [F.normalize(network(images), dim=1) for images in people] for name, network in self._networks.items()
        }

    @torch.no_grad()
    def margins(self, image: Tensor) -> dict[str, Tensor]:
        """By network, the margins to the first and to the second person, (b, 2)."""
        found = {}
        for name, network in self._networks.items():
            v = F.normalize(network(image), dim=1)
            both = torch.stack([(v * known).sum(1) for known in self._known[name]], dim=1)
            found[name] = both - network.thresholds[RATE]
        return found


class ImageQuality:
    """Feature distance and denoising error.

    Args:
        world: the networks.
        real: passport images (n, 3, h, w), n > 1.
    """

    def __init__(self, world: ClayWorld, real: Tensor) -> None:
        self._world = world
        self._real = features(world.attributes, real)
        apart = torch.cdist(self._real, self._real).fill_diagonal_(float("inf"))
        self._usual = float(apart.amin(1).median())

    def feature_distance(self, image: Tensor) -> Tensor:
        """The feature distance of images (b, 3, h, w); (b,)."""
        return torch.cdist(features(self._world.attributes, image), self._real).amin(1) / self._usual

    def denoising_error(self, image: Tensor, people: People) -> Tensor:
        """The denoising error of images (b, 3, h, w) made from `people`; (b,)."""
        error, usual = self._error(image), [self._error(face) for face in people]
        return 2 * error / (usual[0] + usual[1])

    @torch.no_grad()
    def _error(self, image: Tensor) -> Tensor:
        """Mean squared error of x0_hat over times and pixels, with the same noise for all images; (b,)."""
        model = self._world.autoencoder
        z, error = model.encode(image), image.new_zeros(len(image))
        for time in _TIMES:
            noise = torch.randn(image.shape[1:], generator=torch.Generator().manual_seed(time)).to(image)
            a_t = model.alphas_cumprod[time]
            x_t = a_t.sqrt() * image + (1 - a_t).sqrt() * noise
            eps = model(torch.full((len(image),), time, device=image.device), x_t, z)
            error += (x_t / a_t.sqrt() - eps * ((1 - a_t) / a_t).sqrt() - image).square().mean((1, 2, 3))
        return error / len(_TIMES)
