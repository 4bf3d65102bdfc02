"""The identity loss, by a face recognition network."""

from __future__ import annotations

from torch import Tensor

from losses.contract import Embed, check_image, cosine_distance, frozen, reference_embedding, unit


class Identity:
    """L = 1 - cos(E(x), E(reference)).

    Args:
        embed: E, a face network: image (b, 3, h, w) in [-1, 1] -> (b, d); a torch module is frozen.
        reference: (1, 3, h, w) for all images, or (b, 3, h, w), in [-1, 1].
        seen_by: the embedding of x, if it is not `embed`; for example a `FixedFaceNetwork`, which crops x where the
            face of the start image is.
    """

    name = "identity"

    def __init__(self, embed: Embed, reference: Tensor, seen_by: Embed | None = None) -> None:
        self.embed = frozen(embed if seen_by is None else seen_by)
        self.target = reference_embedding(frozen(embed), reference)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        return cosine_distance(unit(self.embed(check_image(image))), self.target.to(image))
