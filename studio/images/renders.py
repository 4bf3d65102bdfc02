"""`render_of`: whether a picture shows a face of the embedded model's kind, under any light.

The colours of a picture are taken back by each of the likeliest exposures (`clay.likeness.exposure`), and the crop of
the face, or the whole picture where the face fills it, gets an out-of-distribution score (`studio.images.domain`) at 64
pixels. The smallest score decides; the linear heads read attributes from that picture's code. Measured on 255 faces of
validation renders with other exposure, colour of the light, crop, sharpness and JPEG (as in `benchmarks.likeness`):
96 % are at most 3.0, and 6 % without the exposures. Of 1,053 faces of training renders 93 % are at most 3.0 and 95 % at
most `RELIT`. Of 49 faces in photographs two are at most `RELIT`, with 2.4 and 2.6, and the next one has 3.6; so above
`_NEAR` the face parser has to be sure of its segments, too.
"""

from __future__ import annotations

from functools import cache

import torch
from PIL import Image

from clay.likeness.exposure import UNCHANGED, Render, exposures
from clay.likeness.guess import ParsedFace
from clay.networks.heads import AttributeHeads
from clay.world import DEFAULT_FOLDER
from losses.faces import Square
from losses.strangeness import out_of_distribution
from studio.images.crop import Crop, crop_image
from studio.images.domain import LIMIT, clay_network, decoder_of
from studio.images.framing import CLAY, crop_of, face_square
from studio.images.load import to_tensor

RELIT = 3.25
"""Faces with a larger score are photographs."""
_NEAR, _SURE = 2.3, 0.87
"""The largest score where the face parser is less sure than this, as of a third of 65 photographs and 1 % of clay."""
_SIZE = 64
_LIKELIEST = 4
_FILLS = 0.75
"""Smallest side of the face's crop, in sides of the picture, of a face that fills it."""
_WEIGHT = 8.0
"""Of the score beside -2 log of the probability density, to choose the exposure of a render."""


@torch.no_grad()
def render_of(image: Image.Image, face: Square, parsed: ParsedFace) -> Render | None:
    """How the colours of a rendered face were changed, and what its code shows; None for a photograph.

    Args:
        image: the picture.
        face: square of the face in it.
        parsed: that face.
    """
    square = face_square(face, CLAY)
    crops = [crop_of(square, *image.size)]
    if square.side > _FILLS * max(image.size):
        crops.append(Crop())
    found = exposures(*parsed.surroundings)[:_LIKELIEST]
    changes = [UNCHANGED, *(exposure for _, exposure in found)]
    views = [to_tensor(crop_image(image, _SIZE, crop)) for crop in crops]
    x = torch.cat([change.undone(view) for change in changes for view in views])
    network = clay_network(_SIZE)
    z = network.encode(x)
    scores, best = out_of_distribution(x, *decoder_of(network)(z)).view(len(changes), len(views)).min(1)
    if float(scores.min()) > (RELIT if parsed.certainty > _SURE else _NEAR):
        return None
    if float(scores[0]) <= LIMIT:
        chosen = 0
    else:
        costs = [cost + _WEIGHT * score for (cost, _), score in zip(found, scores[1:].tolist(), strict=True)]
        chosen = 1 + costs.index(min(costs))
    code = z[chosen * len(views) + int(best[chosen])]
    return Render(changes[chosen], {name: logits[0] for name, logits in _heads()(code[None]).items()})


@cache
def _heads() -> AttributeHeads:
    return AttributeHeads.from_folder(DEFAULT_FOLDER / "heads", "cpu", torch.float32)
