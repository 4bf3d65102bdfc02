"""What is thought of a morph: three networks that say whose face it is, and two measures of how good a face it is.

margin       similarity of the morph to a picture of a person, minus the network's threshold at a false match rate of
             0.1 %; above 0 it is taken for that person
strangeness  distance to the nearest real passport picture, in the attribute reader's features, in units of what real
             pictures of other people have (the median): 1 is as near to a real face as real faces are to one another
noisiness    error of the autoencoder's own denoising of the picture at three noise levels, in units of that of the two
             faces it was made of: 1 is a picture as the model knows them, well above 1 is texture that it does not
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from clay.evaluation.similarity import trunk_features
from clay.networks.images import as_channels_first, to_bytes, to_unit
from clay.world import ClayWorld

RATE = "fmr_0.1_percent"
_TIMES = (100, 300, 500)


class People(NamedTuple):
    """Pictures of the two people of some pairs, (b, 3, h, w) each."""

    first: Tensor
    second: Tensor


def as_saved(image: Tensor) -> Tensor:
    """The image as a file of 8 bits a channel would hold it."""
    return to_unit(as_channels_first(to_bytes(image))).to(image.device)


class HeldOutPanel:
    """The three networks, with the embeddings of both people at hand."""

    @torch.no_grad()
    def __init__(self, world: ClayWorld, people: People) -> None:
        self._networks = world.embedders
        self._known = {
            name: [F.normalize(network(images), dim=1) for images in people] for name, network in self._networks.items()
        }

    @torch.no_grad()
    def margins(self, image: Tensor) -> dict[str, Tensor]:
        """By network, (b, 2): the margin to the first and to the second person."""
        found = {}
        for name, network in self._networks.items():
            v = F.normalize(network(image), dim=1)
            both = torch.stack([(v * known).sum(1) for known in self._known[name]], dim=1)
            found[name] = both - network.thresholds[RATE]
        return found


class Looks:
    """How good a face a picture shows.

    Args:
        world: the networks.
        real: passport pictures of many people (n, 3, h, w), n > 1.
    """

    def __init__(self, world: ClayWorld, real: Tensor) -> None:
        self._world = world
        self._real = trunk_features(world.attributes, real)
        apart = torch.cdist(self._real, self._real).fill_diagonal_(float("inf"))
        self._usual = float(apart.amin(1).median())

    def strangeness(self, image: Tensor) -> Tensor:
        """(b,), see above."""
        return torch.cdist(trunk_features(self._world.attributes, image), self._real).amin(1) / self._usual

    def noisiness(self, image: Tensor, people: People) -> Tensor:
        """(b,), see above."""
        error, usual = self._denoising(image), [self._denoising(face) for face in people]
        return 2 * error / (usual[0] + usual[1])

    @torch.no_grad()
    def _denoising(self, image: Tensor) -> Tensor:
        """Mean squared error of x0_hat, (b,), over times and pixels; the noise is the same for all pictures."""
        model = self._world.autoencoder
        z, error = model.encode(image), image.new_zeros(len(image))
        for time in _TIMES:
            noise = torch.randn(image.shape[1:], generator=torch.Generator().manual_seed(time)).to(image)
            a_t = model.alphas_cumprod[time]
            x_t = a_t.sqrt() * image + (1 - a_t).sqrt() * noise
            eps = model(torch.full((len(image),), time, device=image.device), x_t, z)
            error += (x_t / a_t.sqrt() - eps * ((1 - a_t) / a_t).sqrt() - image).square().mean((1, 2, 3))
        return error / len(_TIMES)
