import torch

from clay.likeness.exposure import Exposure
from clay.likeness.render_beard import RenderBeard, lower_face
from clay.likeness.render_skin import INPUTS, SIDE
from clay.people.person import FACIAL_HAIR
from clay.people.view import SEGMENTS

GENERATOR = torch.Generator().manual_seed(0)
CROP = torch.rand(1, 3, 2 * SIDE, 2 * SIDE, generator=GENERATOR) * 1.4 - 0.8
KINDS = torch.rand(1, len(SEGMENTS), SIDE, SIDE, generator=GENERATOR).softmax(1)


def test_colours_and_segments_show_the_same_place():
    # an image of the rows and columns in [-1, 1], and the same as segments
    along = torch.linspace(-1, 1, 2 * SIDE)
    image = torch.stack(torch.meshgrid(along, along, indexing="ij"))[None]
    small = torch.nn.functional.avg_pool2d(image, 2)
    colours, kinds = lower_face(image, small)
    assert colours.shape == kinds.shape == (1, 2, SIDE, SIDE)
    assert (colours * 2 - 1 - kinds).abs().max() < 0.02
    assert kinds[0, 0].min() > 0  # below the eyes
    assert kinds[0, 1].abs().max() < 0.51


def test_the_facial_hair_is_read_from_the_whole_input_and_can_be_saved(tmp_path):
    torch.manual_seed(0)
    network = RenderBeard(8)
    network(torch.randn(64, INPUTS, SIDE, SIDE))  # statistics of the layers
    network.eval().save_folder(tmp_path)
    x = torch.randn(3, INPUTS, SIDE, SIDE, requires_grad=True)
    network(x)[:, 1].sum().backward()
    assert (x.grad.abs().amax((0, 2, 3)) > 0).all()
    assert torch.allclose(RenderBeard.from_folder(tmp_path)(x), network(x), atol=0.02)


def test_a_picture_and_its_mirror_image_are_read_alike():
    torch.manual_seed(0)
    network, exposure = RenderBeard(8).eval(), Exposure(torch.tensor([0.9, 1.0, 1.1]), 1.1)
    found = network.read(CROP, KINDS, exposure)
    assert found.shape == (len(FACIAL_HAIR),)
    torch.testing.assert_close(network.read(CROP.flip(3), KINDS.flip(3), exposure), found)


def test_what_is_above_the_eyes_does_not_count():
    torch.manual_seed(0)
    network, exposure = RenderBeard(8).eval(), Exposure(torch.tensor([0.9, 1.0, 1.1]), 1.1)
    other = CROP.clone()
    other[:, :, :SIDE] = 0
    torch.testing.assert_close(network.read(other, KINDS, exposure), network.read(CROP, KINDS, exposure))
    other[:, :, SIDE:] = 0
    assert not torch.allclose(network.read(other, KINDS, exposure), network.read(CROP, KINDS, exposure))
