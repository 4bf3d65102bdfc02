"""Losses on faces as a run needs them: who is seen where, and a sentence where nobody is seen.

A face network that finds faces itself looks where the start picture has its face, in every step: one smooth function
of the picture, and no time spent on looking again. Embedders without places, such as those of the clay world, see the
whole picture.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from losses import Embed, Identity, Morph
from losses.faces import FaceNetwork, NoFaceFound
from studio.core.errors import UserError

FIRST, SECOND = "first", "second"


def person(embed: Any, reference: Tensor, start: Tensor) -> Identity:
    """1 - cos to the face of `reference`, for pictures that begin as `start`; both (1, 3, h, w) in [-1, 1].

    Args:
        embed: a `FaceNetwork`, or any embedder.
        reference: whose face; the start itself, or the second picture.
        start: where the face is looked for.

    Raises:
        UserError: one of the pictures shows no face; the sentence says which.
    """
    if not isinstance(embed, FaceNetwork):
        return Identity(embed, reference)
    seen_by = _looking(embed, start, FIRST)
    known_by = seen_by if reference is start else _looking(embed, reference, SECOND)
    return Identity(known_by, reference, seen_by)


def both(embed: Any, first: Tensor, second: Tensor, start: Tensor | None = None) -> Morph:
    """Eq. 5.1 for two people; its `a` and `b` are the losses on either of them.

    Args:
        embed: a `FaceNetwork`, or any embedder.
        first: picture of the one, (1, 3, h, w) in [-1, 1].
        second: picture of the other.
        start: where the face is looked for, once; None looks into each picture anew. Where no face is found, it is
            taken to lie half-way between those of the two people.

    Raises:
        UserError: one of the two pictures shows no face; the sentence says which.
    """
    if not isinstance(embed, FaceNetwork):
        return Morph(embed, first, second)
    a, b = _looking(embed, first, FIRST), _looking(embed, second, SECOND)
    half_way = embed.at_squares([a.squares[0].half_way(b.squares[0])], first.shape[-1])

    def anew(image: Tensor) -> Tensor:
        found: Tensor = (_found(embed, image) or half_way)(image)
        return found

    return Morph(embed, first, second, anew if start is None else _found(embed, start) or half_way)


def _looking(network: FaceNetwork, picture: Tensor, which: str) -> Any:
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
