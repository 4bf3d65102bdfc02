"""Pictures to run on."""

from pathlib import Path

import numpy as np
from PIL import Image


def save_pictures(folder: Path, count: int) -> Path:
    """A new folder of so many different pictures, the same each time."""
    folder.mkdir()
    for i in range(count):
        pixels = np.random.default_rng(i).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder
