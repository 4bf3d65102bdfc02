"""`enlarged`: a model's pictures with more pixels, for display and for large files; nothing is measured on them."""

from __future__ import annotations

import torch
from PIL import Image

from studio.images.load import to_image, to_tensor
from studio.models.interface import Model


def enlarges(model: Model, image: Image.Image) -> bool:
    """Whether the model has a network that enlarges this picture: one of the model's size."""
    return model.enlarge is not None and image.size == (model.size, model.size)


@torch.no_grad()
def enlarged(image: Image.Image, model: Model) -> Image.Image:
    """The picture by the model's network for that, else itself."""
    if model.enlarge is None or not enlarges(model, image):
        return image
    return to_image(model.enlarge(to_tensor(image)))
