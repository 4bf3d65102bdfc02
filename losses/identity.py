"""Losses on whose face it is, by a face-recognition network."""

from __future__ import annotations

from torch import Tensor

from losses.contract import Embed, check_image, cosine_distance, frozen, reference_embedding, unit


class Identity:
    """d(v, v_ref) = 1 - cos(E(x), E(reference)).

    Args:
        embed: face network, image (b, 3, h, w) in [-1, 1] -> (b, d); a torch module is frozen.
        reference: (1, 3, h, w) for all images, or (b, 3, h, w), in [-1, 1].
        seen_by: what embeds the images, where that is not what embeds the reference: a face network that looks where
            the face of the start image is, for one.
    """

    name = "identity"

    def __init__(self, embed: Embed, reference: Tensor, seen_by: Embed | None = None) -> None:
        self.embed = frozen(embed if seen_by is None else seen_by)
        self.target = reference_embedding(frozen(embed), reference)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        return cosine_distance(unit(self.embed(check_image(image))), self.target.to(image))


class Morph:
    """A face that is two people at once (AdjointDEIS, 2405.15020, eq. 5.1; after Morph-PIPE).

        L = d(v, v_a) + d(v, v_b) + |d(v, v_a) - d(v, v_b)|

    The last term keeps the morph from settling for one of the two. Twice the larger distance, that is.

    Args:
        embed, seen_by: face network, as for Identity.
        reference_a, reference_b: the two people, (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
    """

    name = "morph"

    def __init__(self, embed: Embed, reference_a: Tensor, reference_b: Tensor, seen_by: Embed | None = None) -> None:
        self.a, self.b = Identity(embed, reference_a, seen_by), Identity(embed, reference_b, seen_by)

    def distances(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """d(v, v_a) and d(v, v_b), (b,) each."""
        v = unit(self.a.embed(check_image(image)))
        return cosine_distance(v, self.a.target.to(image)), cosine_distance(v, self.b.target.to(image))

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 4]."""
        d_a, d_b = self.distances(image)
        return d_a + d_b + (d_a - d_b).abs()
