"""The two-identity morph loss."""

from __future__ import annotations

from torch import Tensor

from losses.contract import Embed, check_image, cosine_distance, unit
from losses.identity import Identity


class Morph:
    """Loss of an image that should show two people at once (AdjointDEIS, 2405.15020, eq. 5.1; after Morph-PIPE).

        L = d(v, v_a) + d(v, v_b) + |d(v, v_a) - d(v, v_b)| = 2 max(d(v, v_a), d(v, v_b)),   d(u, v) = 1 - cos(u, v)

    with v = E(x) and v_a, v_b the embeddings of the references.

    Args:
        embed: E, a face network: image (b, 3, h, w) in [-1, 1] -> (b, d); a torch module is frozen.
        reference_a: an image of one person, (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
        reference_b: an image of the other person, likewise.
        seen_by: the embedding of x, if it is not `embed`; see `Identity`.
    """

    name = "morph"

    def __init__(self, embed: Embed, reference_a: Tensor, reference_b: Tensor, seen_by: Embed | None = None) -> None:
        self.a, self.b = Identity(embed, reference_a, seen_by), Identity(embed, reference_b, seen_by)

    def distances(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """d(v, v_a) and d(v, v_b) of images (b, 3, h, w); (b,) each, in [0, 2]."""
        v = unit(self.a.embed(check_image(image)))
        return cosine_distance(v, self.a.target.to(image)), cosine_distance(v, self.b.target.to(image))

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 4]."""
        d_a, d_b = self.distances(image)
        return d_a + d_b + (d_a - d_b).abs()
