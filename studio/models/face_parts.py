"""Parts of the face in a photograph, drawn from its 68 landmarks (`losses.faces.landmarks`), at the image's size.

    face          jaw line, closed above the brows at a share of the face's height
    eyes          brows and eyes;   nose, mouth: their outlines
    jaw           the face below the nose, without the mouth
    skin          the face without eyes, nose, mouth and jaw
    hair          the head, which is the face enlarged about the brows, above the chin, without the face
    background    all but head, and shoulders below it

The landmarks show no outline of hair or shoulders, so these parts are approximate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from losses.faces import FaceNetwork

PARTS = ("background", "skin", "hair", "eyes", "nose", "mouth", "jaw")
_FOREHEAD = 0.55  # of the distance from brows to chin
_HEAD = 1.45  # of the face


def face_parts(network: FaceNetwork) -> Callable[[Tensor], Mapping[str, Tensor]]:
    """Image (1, 3, h, w) in [-1, 1] -> mask of each part, (1, 1, h, w) of 0 and 1; none where no face is found."""

    def parts(image: Tensor) -> Mapping[str, Tensor]:
        faces = network.faces(image)
        if not faces:
            return {}
        height, width = image.shape[-2:]
        masks = drawn(faces[0].points.detach().cpu().double().numpy(), width, height)
        return {name: torch.from_numpy(mask)[None, None].to(image) for name, mask in masks.items()}

    return parts


def drawn(points: np.ndarray, width: int, height: int) -> dict[str, np.ndarray]:
    """The masks (height, width) of a face with landmarks (68, 2) in pixels."""

    def filled(corners: np.ndarray) -> np.ndarray:
        image = Image.new("1", (width, height))
        ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in corners], fill=1)
        return np.array(image, dtype=bool)

    brows, chin = points[17:27].mean(axis=0), points[8]
    up = brows - chin
    above = points[17:27][::-1] + _FOREHEAD * up
    outline = np.concatenate([points[:17], above])
    face, head = filled(outline), filled(brows + _HEAD * (outline - brows) + 0.1 * up)
    eyes = filled(_around(points[[*range(17, 22), *range(36, 42)]]))
    eyes |= filled(_around(points[[*range(22, 27), *range(42, 48)]]))
    nose, mouth = filled(_around(points[27:36])), filled(points[48:60])
    jaw = filled(np.concatenate([points[2:15], points[31:36][::-1]])) & ~mouth
    rows = np.arange(height)[:, None]
    half, columns = 1.3 * np.linalg.norm(points[16] - points[0]), np.arange(width)[None]
    shoulders = (rows > chin[1]) & (abs(columns - chin[0]) < half)
    found = {
        "background": ~(head | face | shoulders),
        "skin": face & ~(eyes | nose | mouth | jaw),
        "hair": head & ~face & (rows < chin[1]),
        "eyes": eyes,
        "nose": nose,
        "mouth": mouth,
        "jaw": jaw,
    }
    return {name: mask.astype(np.float32) for name, mask in found.items()}


def _around(points: np.ndarray) -> np.ndarray:
    """The points in the order of their angle about the mean, a tenth further out."""
    middle = points.mean(axis=0)
    offsets = points - middle
    order = np.argsort(np.arctan2(offsets[:, 1], offsets[:, 0]))
    outline: np.ndarray = middle + 1.1 * offsets[order]
    return outline
