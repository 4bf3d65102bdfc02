"""A portrait that ships with scikit-image (NASA, public domain), and pictures made from it."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data


@cache
def portrait() -> Image.Image:
    """A smiling woman with fair skin, brown hair to the jaw, no glasses and no hat, before a light wall."""
    whole = Image.fromarray(data.astronaut())
    return whole.crop((60, 0, 420, 360))


def saved(image: Image.Image, folder: Path, name: str = "portrait.png") -> Path:
    """The picture as a file."""
    image.save(folder / name)
    return folder / name


def two_people() -> Image.Image:
    """The portrait, and a smaller copy at its right."""
    whole = Image.new("RGB", (560, 360), (200, 190, 180))
    whole.paste(portrait(), (0, 0))
    whole.paste(portrait().resize((190, 190)), (365, 60))
    return whole


def lit(*factors: float) -> Image.Image:
    """The portrait in coloured light."""
    return Image.fromarray(np.clip(np.asarray(portrait()) * np.array(factors), 0, 255).astype(np.uint8))


def with_sunglasses() -> Image.Image:
    """Two black discs and a bar over the eyes."""
    image = np.array(portrait())
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for cx, cy in ((144, 102), (187, 104)):
        image[((x - cx) / 20) ** 2 + ((y - cy) / 15) ** 2 < 1] = 10
    image[99:104, 144:187] = 10
    return Image.fromarray(image)


def half() -> Image.Image:
    """One half of the face, as behind the edge of the picture."""
    return portrait().crop((0, 0, 175, 360))


def drawing() -> Image.Image:
    """A face of a circle, two dots and a line."""
    y, x = np.mgrid[:300, :300]
    image = np.full((300, 300, 3), 255, np.uint8)
    ring = np.abs(np.hypot(x - 150, y - 150) - 100) < 3
    dots = (np.hypot(x - 115, y - 125) < 9) | (np.hypot(x - 185, y - 125) < 9)
    mouth = (np.abs(np.hypot(x - 150, y - 150) - 60) < 3) & (y > 185)
    image[ring | dots | mouth] = 0
    return Image.fromarray(image)
