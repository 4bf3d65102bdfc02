import numpy as np
import pytest
import torch
from PIL import Image

from losses.preprocess import normalise, resize


def picture(height, width):
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 255, (height // 4, width // 4, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def tensor(image):
    return torch.from_numpy(np.asarray(image, dtype=np.float32)).permute(2, 0, 1)[None] / 127.5 - 1


@pytest.mark.parametrize(("height", "width"), [(64, 64), (256, 256), (96, 64), (64, 100)])
def test_resizing_equals_pillows_bicubic_with_antialias(height, width):
    image = picture(height, width)
    scale = 32 / min(height, width)
    small = image.resize((max(32, round(width * scale)), max(32, round(height * scale))), Image.Resampling.BICUBIC)
    left, top = (small.width - 32) // 2, (small.height - 32) // 2
    expected = tensor(small.crop((left, top, left + 32, top + 32)))
    assert (resize(tensor(image), 32).clamp(-1, 1) - expected).abs().max() < 2.5 / 127.5


def test_an_image_of_the_right_size_passes_unchanged():
    image = torch.rand(2, 3, 32, 32)
    assert resize(image, 32) is image or torch.equal(resize(image, 32), image)


def test_antialiasing_gives_every_pixel_a_gradient():
    image = torch.rand(1, 3, 128, 128, requires_grad=True)
    resize(image, 16).square().sum().backward()
    assert (image.grad != 0).all()


def test_normalising_takes_the_range_of_images_to_that_of_the_network():
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    result = normalise(image, (0.5, 0.5, 0.5), (0.25, 0.5, 0.5))
    assert result.flatten().tolist() == [-2.0, 0.0, 1.0]
