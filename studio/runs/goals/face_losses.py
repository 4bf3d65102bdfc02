"""Losses on faces for a run, and the error message if a picture shows no face.

A `FaceNetwork` looks for the face once, in the start picture, and uses that place in every step. The loss is then a
smooth function of the picture, and no step spends time on detection. Other embedders, such as those of the clay world,
take the whole picture.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from losses import Embed, Identity, Morph
from losses.contract import frozen
from losses.faces import FaceNetwork, NoFaceFound
from studio.core.errors import UserError

FIRST, SECOND = "first", "second"


def person(embed: Any, reference: Tensor, start: Tensor) -> Identity:
    """1 - cos to the face of `reference`, for pictures that begin as `start`; both (1, 3, h, w) in [-1, 1].

    Args:
        embed: a `FaceNetwork`, or any embedder.
        reference: the target face: the start itself, or the second picture.
        start: the picture in which the face is detected.

    Raises:
        UserError: one of the pictures shows no face; the message names it.
    """
    if not isinstance(embed, FaceNetwork):
        return Identity(embed, reference, CachedEmbed(embed))
    at_start = _located(embed, start, FIRST)
    at_reference = at_start if reference is start else _located(embed, reference, SECOND)
    return Identity(at_reference, reference, CachedEmbed(at_start))


def both(embed: Any, first: Tensor, second: Tensor, start: Tensor | None = None) -> Morph:
    """Eq. 5.1 for two people; its `a` and `b` are the losses on each of them.

    Args:
        embed: a `FaceNetwork`, or any embedder.
        first: picture of the first person, (1, 3, h, w) in [-1, 1].
        second: picture of the second.
        start: the picture in which the face is detected, once; None detects it in every picture. If no face is found,
            the place half-way between the faces of the two people is used.

    Raises:
        UserError: one of the two pictures shows no face; the message names it.
    """
    if not isinstance(embed, FaceNetwork):
        return Morph(embed, first, second, CachedEmbed(embed))
    a, b = _located(embed, first, FIRST), _located(embed, second, SECOND)
    half_way = embed.at_squares([a.squares[0].half_way(b.squares[0])], first.shape[-1])

    def detected(image: Tensor) -> Tensor:
        embedding: Tensor = (_found(embed, image) or half_way)(image)
        return embedding

    return Morph(embed, first, second, CachedEmbed(detected if start is None else _found(embed, start) or half_way))


class CachedEmbed:
    """An embedder that keeps the embedding of its latest image, for evaluations without a gradient.

    The similarities that a curve shows need the embedding that the loss computed before. With a gradient the network
    runs every time, because the graph of an earlier evaluation is not to be used again.
    """

    def __init__(self, embed: Embed) -> None:
        self._embed = frozen(embed)
        self._latest: tuple[Tensor, Tensor] | None = None

    def __call__(self, image: Tensor) -> Tensor:
        """image (b, 3, h, w) in [-1, 1] -> embedding (b, d)."""
        if not torch.is_grad_enabled() and self._latest is not None and torch.equal(image, self._latest[0]):
            return self._latest[1]
        embedding = self._embed(image)
        self._latest = image.detach(), embedding.detach()
        return embedding


def _located(network: FaceNetwork, picture: Tensor, which: str) -> Any:
    try:
        return network.at(picture)
    except NoFaceFound as none:
        raise UserError(
            f"No face was found in the {which} picture: choose one in which a face is seen from the front, or a goal "
            "that is not about faces."
        ) from none


def _found(network: FaceNetwork, picture: Tensor) -> Embed | None:
    try:
        return network.at(picture)
    except NoFaceFound:
        return None
