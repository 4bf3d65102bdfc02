import pytest
import torch

from clay.likeness.exposure import UNCHANGED, Exposure
from clay.likeness.render_skin import INPUTS, SIDE, RenderSkin, skin_input
from clay.people.view import SEGMENTS

GENERATOR = torch.Generator().manual_seed(0)
CROP = torch.rand(1, 3, 2 * SIDE, 2 * SIDE, generator=GENERATOR) * 1.4 - 0.8
KINDS = torch.rand(1, len(SEGMENTS), SIDE, SIDE, generator=GENERATOR).softmax(1)


def pictured(gain=1.0, gamma=1.0):
    colours = torch.full((2, 3, SIDE, SIDE), 0.4)
    return skin_input(colours, KINDS.expand(2, -1, -1, -1), torch.full((2, 3), gain), torch.full((2,), gamma))


def test_without_a_change_of_exposure_both_pictures_agree():
    x = pictured()
    assert x.shape == (2, INPUTS, SIDE, SIDE)
    torch.testing.assert_close(x[:, :3], x[:, 3:6])
    torch.testing.assert_close(x[:, :3], torch.full_like(x[:, :3], 0.42).log2() + 2)


def test_the_second_picture_is_that_before_the_exposure():
    value = 0.7
    changed = 0.8 * value**1.2
    colours = torch.full((1, 3, SIDE, SIDE), changed)
    x = skin_input(colours, KINDS, torch.full((1, 3), 0.8), torch.tensor([1.2]))
    torch.testing.assert_close(x[:, :3], torch.full_like(x[:, :3], 0.02 + changed).log2() + 2)
    torch.testing.assert_close(x[:, 3:6], torch.full_like(x[:, :3], 0.02 + value).log2() + 2)


def test_black_and_overexposed_pixels_are_finite():
    for value in (0.0, 1.0):
        colours = torch.full((1, 3, SIDE, SIDE), value)
        assert skin_input(colours, KINDS, torch.full((1, 3), 0.1), torch.tensor([0.3])).isfinite().all()


def test_the_skin_is_read_from_the_whole_input_and_can_be_saved(tmp_path):
    torch.manual_seed(0)
    network = RenderSkin(8)
    network(torch.randn(64, INPUTS, SIDE, SIDE))  # statistics of the layers
    network.eval().borders.copy_(torch.tensor([1.25, 2.25, 3.25]))
    network.save_folder(tmp_path)
    x = torch.randn(3, INPUTS, SIDE, SIDE, requires_grad=True)
    network(x).sum().backward()
    assert (x.grad.abs().amax((0, 2, 3)) > 0).all()
    again = RenderSkin.from_folder(tmp_path)
    assert torch.allclose(again(x), network(x), atol=0.02)
    assert again.borders.tolist() == [1.25, 2.25, 3.25]


@pytest.mark.parametrize(("value", "skin"), [(-0.5, 0.0), (1.0, 1.5), (1.75, 2.0), (2.5, 2.5), (4.0, 3.5), (6.0, 5.0)])
def test_what_is_read_is_moved_to_the_borders_between_tones(monkeypatch, value, skin):
    network = RenderSkin(8).eval()
    network.borders.copy_(torch.tensor([1.0, 2.5, 4.0]))
    monkeypatch.setattr(network, "forward", lambda x: torch.full((len(x),), value))
    assert network.read(CROP, KINDS, UNCHANGED).item() == pytest.approx(skin)


def test_a_picture_and_its_mirror_image_are_read_alike():
    torch.manual_seed(0)
    network, exposure = RenderSkin(8).eval(), Exposure(torch.tensor([0.9, 1.0, 1.1]), 1.1)
    found = network.read(CROP, KINDS, exposure)
    assert found.shape == (1,)
    torch.testing.assert_close(network.read(CROP.flip(3), KINDS.flip(3), exposure), found)
