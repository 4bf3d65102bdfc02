import pytest
import torch
from torch import nn

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.enlarger import FACTOR
from clay.people.dataset import scene
from clay.training.enlarger import EnlargerLoss, load_or_render, sampled
from clay.training.likeness import numbers


class Repeat(nn.Module):
    """Every pixel 4 x 4 times."""

    def forward(self, image):
        return image.repeat_interleave(FACTOR, -1).repeat_interleave(FACTOR, -2)


def test_crops_of_both_sizes_show_the_same_and_each_variant_takes_its_turn():
    small = torch.randint(256, (3, 3, 48, 48), dtype=torch.uint8)
    large = Repeat()(small)
    for step in range(2):
        generator = torch.Generator().manual_seed(step)
        assert EnlargerLoss([small], large, batch=4)(Repeat(), step, generator)["loss"] == 0
        other = EnlargerLoss([small, 255 - small], large, batch=4)(Repeat(), step, generator)["loss"]
        half = (small.float() * 2 - 255).abs().mean() / 127.5 / 2
        assert float(other) == pytest.approx(float(half), rel=0.1)


@pytest.mark.slow
def test_renders_of_both_sizes_are_made_once(tmp_path):
    path = tmp_path / "data" / "some.npz"
    small, large = load_or_render(path, 1)
    assert (small.shape, large.shape) == ((1, 3, 128, 128), (1, 3, 512, 512))
    assert float(small.float().mean()) == pytest.approx(float(large.float().mean()), abs=1)
    written = path.stat().st_mtime_ns
    assert torch.equal(load_or_render(path, 1)[0], small)
    assert path.stat().st_mtime_ns == written


@pytest.mark.slow
def test_samples_resemble_the_pictures_of_their_codes(tmp_path):
    from clay.rendering.render import render_all  # numba is slow to load
    from clay.world import FOLDER_128

    image = torch.from_numpy(render_all([scene(*number) for number in numbers(2)], 128)).permute(0, 3, 1, 2)
    found = sampled(DiffusionAutoencoder.from_folder(FOLDER_128 / "diffusion"), image, seed=0)
    assert (found.shape, found.dtype) == (image.shape, torch.uint8)
    errors = [(found.float() - other.float()).abs().mean() for other in (image, image.flip(0))]
    assert 0 < errors[0] < 0.2 * errors[1]
