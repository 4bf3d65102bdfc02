import pytest
import torch
import torch.nn.functional as F

from clay.evaluation.similarity import psnr
from clay.networks.enlarger import FACTOR, Enlarger
from clay.networks.images import as_channels_first, to_unit
from clay.people.dataset import TEST, scene
from clay.world import ENLARGER_FOLDER


def test_without_training_it_is_bicubic_and_all_of_it_learns():
    network, image = Enlarger(8, 1), torch.rand(2, 3, 8, 12)
    found = network(image)
    assert found.shape == (2, 3, 32, 48)
    torch.testing.assert_close(found, F.interpolate(image, scale_factor=FACTOR, mode="bicubic"))
    torch.nn.init.normal_(network.last.weight)
    network(image).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_a_round_trip_over_disk_keeps_the_picture(tmp_path):
    torch.manual_seed(0)
    network, image = Enlarger(8, 1), torch.rand(1, 3, 8, 8)
    torch.nn.init.normal_(network.last.weight, std=0.05)
    network.save_folder(tmp_path)
    torch.testing.assert_close(Enlarger.from_folder(tmp_path)(image), network(image), atol=2e-3, rtol=0)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="enlarger"):
        Enlarger.from_folder(tmp_path)


@pytest.mark.slow
def test_what_is_in_the_assets_is_nearer_to_a_large_render_than_bicubic():
    from clay.rendering.render import render_all  # numba is slow to load

    scenes = [scene(TEST.first + k, k) for k in range(2)]
    small, large = (to_unit(as_channels_first(render_all(scenes, side))) for side in (128, 512))
    found = Enlarger.from_folder(ENLARGER_FOLDER)(small)
    smooth = F.interpolate(small, scale_factor=FACTOR, mode="bicubic")
    assert psnr(found, large) > psnr(smooth, large) + 1.5
