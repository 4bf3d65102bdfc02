import numpy as np
import pytest
from PIL import Image

from studio.images.difference import difference


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (10, 10), (level, level, level))


def test_equal_pictures_have_no_difference() -> None:
    found = difference(grey(40), grey(40))
    assert (found.largest, found.mean, found.changed) == (0, 0, 0)
    assert len(found.image.getcolors()) == 1


def test_the_largest_change_of_any_channel_is_the_brightest_point() -> None:
    after = grey(40)
    after.putpixel((3, 4), (40, 40, 140))
    after.putpixel((7, 7), (20, 40, 40))
    found = difference(grey(40), after)
    assert found.largest == 100
    assert found.mean == pytest.approx(1.2)
    assert found.changed == 0.02
    light = np.asarray(found.image.convert("L"), dtype=int)
    assert np.unravel_index(light.argmax(), light.shape) == (4, 3)
    assert light[4, 3] > light[7, 7] > light[0, 0]


def test_the_lightness_of_the_scale_increases_monotonically() -> None:
    after = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (2, 1))).convert("RGB")
    light = np.asarray(difference(Image.new("RGB", (256, 2)), after).image.convert("L"), dtype=int)[0]
    assert (np.diff(light) >= 0).all()


def test_order_does_not_matter() -> None:
    assert difference(grey(0), grey(255)).largest == difference(grey(255), grey(0)).largest == 255
