import dataclasses

import pytest
import torch.nn.functional as F
from PIL import Image

from studio.models.embedded import embedded
from studio.models.enlarged import enlarged, enlarges
from studio.models.interface import Model
from tests.stub import SIZE


def test_only_pictures_of_the_models_size_are_enlarged(model: Model) -> None:
    image, other = Image.new("RGB", (SIZE, SIZE), "teal"), Image.new("RGB", (SIZE, SIZE // 2))
    assert enlarged(image, model) is image
    larger = dataclasses.replace(model, enlarge=lambda one: F.interpolate(one, scale_factor=2.0))
    assert [enlarges(larger, one) for one in (image, other)] == [True, False]
    assert enlarged(other, larger) is other
    assert enlarged(image, larger).tobytes() == Image.new("RGB", (2 * SIZE, 2 * SIZE), "teal").tobytes()


@pytest.mark.slow
def test_the_embedded_model_of_128_pixels_shows_four_times_as_many_along_each_axis() -> None:
    large, small = embedded(size=128), embedded(size=64)
    assert enlarged(Image.new("RGB", (128, 128), "white"), large).size == (512, 512)
    assert not enlarges(small, Image.new("RGB", (64, 64)))
