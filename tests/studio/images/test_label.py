import numpy as np
import pytest
from PIL import Image, ImageChops

from studio.images.label import draw_label


@pytest.mark.parametrize("side", [64, 256, 512])
@pytest.mark.parametrize("colour", ["white", "black", "orange"])
def test_the_label_is_in_the_corner_and_nowhere_else(side: int, colour: str) -> None:
    image = Image.new("RGB", (side, side), colour)
    marked = draw_label(image)
    box = ImageChops.difference(image, marked).getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert left > side * 0.1 or side == 64
    assert top > side * 0.75
    assert (right, bottom) == (side, side) if colour != "black" else right <= side


@pytest.mark.parametrize("colour", ["white", "black"])
def test_the_label_is_white_on_dark_on_every_background(colour: str) -> None:
    marked = np.asarray(draw_label(Image.new("RGB", (512, 512), colour)).convert("L"))
    corner = marked[-28:, -110:]
    assert (corner > 200).mean() > 0.05
    assert (corner < 60).mean() > 0.4


def test_the_image_itself_is_unchanged() -> None:
    image = Image.new("RGB", (64, 64), "white")
    draw_label(image)
    assert image.getextrema() == ((255, 255),) * 3
