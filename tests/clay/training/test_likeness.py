import numpy as np
import pytest
import torch

from clay.likeness.frame import SIZE
from clay.likeness.network import FaceParser
from clay.likeness.readout import Readout
from clay.likeness.render_beard import RenderBeard, lower_face
from clay.likeness.render_skin import INPUTS, SIDE, RenderSkin
from clay.people.dataset import scene
from clay.people.person import FACIAL_HAIR
from clay.people.view import SEGMENTS
from clay.training.likeness import LikenessLoss, load_or_render, numbers, random_crops
from clay.training.likeness_beard import BeardLoss
from clay.training.likeness_readout import ReadoutLoss, measured
from clay.training.likeness_skin import SkinLoss, equal_borders, found_eyes, sampled

COUNT = 6


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (COUNT, 64, 64, 3), dtype=torch.uint8, generator=generator)
    marks = torch.randint(len(SEGMENTS), (COUNT, 64, 64), dtype=torch.uint8, generator=generator)
    eyes = torch.tensor([[[24.0, 30.0], [40.0, 30.0]]]).repeat(COUNT, 1, 1)
    return images, marks, eyes


SCENES = [scene(*number) for number in numbers(COUNT)]


def test_the_loss_of_the_parser_reaches_every_part(data):
    parser = FaceParser((8, 8, 16, 16))
    values = LikenessLoss(*data, SCENES, batch=4)(parser, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in parser.parameters())


def test_crops_are_mirrored_with_their_segments(data):
    _, marks, eyes = data
    # an image that is equal to its segments: after every change both still agree
    same = marks[..., None].expand(-1, -1, -1, 3)
    for seed in range(4):
        crop, kinds, _ = random_crops(same * 20, marks, eyes, torch.Generator().manual_seed(seed))
        assert crop.shape == (COUNT, 3, SIZE, SIZE)
        assert np.corrcoef(crop[:, 0].flatten(), kinds[:, 0].flatten().float())[0, 1] > 0.6


def test_the_loss_of_the_readout_reaches_every_part(data):
    parser = FaceParser((8, 8, 16, 16)).eval()
    place, colour = measured(parser, *data, seed=0)
    readout = Readout(16)
    values = ReadoutLoss(place, colour, SCENES * 2, batch=8)(readout, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in readout.parameters())


def test_the_loss_of_the_skin_reaches_every_part(data):
    parser = FaceParser((8, 8, 16, 16)).eval()
    skins = torch.tensor([person.skin for person, _ in SCENES])
    samples = sampled(parser, *data, skins, ways=2, seed=0)
    assert samples.input(torch.arange(2 * COUNT)).shape == (2 * COUNT, INPUTS, SIDE, SIDE)
    assert torch.equal(samples.truth, skins.repeat(2))
    network = RenderSkin(8)
    values = SkinLoss(samples, batch=8)(network, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_the_loss_of_the_facial_hair_reaches_every_part(data):
    parser = FaceParser((8, 8, 16, 16)).eval()
    truth = torch.tensor([FACIAL_HAIR.index(person.facial_hair) for person, _ in SCENES])
    samples = sampled(parser, *data, truth, ways=2, seed=0, view=lower_face)
    network = RenderBeard(8)
    values = BeardLoss(samples, batch=8)(network, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert 0 <= values["right"] <= 1
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_found_eyes_are_nearer_to_each_other_by_what_was_measured():
    eyes = torch.tensor([[[10.0, 30.0], [50.0, 30.0]], [[30.0, 10.0], [30.0, 50.0]]]).repeat(2000, 1, 1)
    found = found_eyes(eyes, torch.Generator().manual_seed(0))
    level, upright = (found - eyes)[::2] / 40, (found - eyes)[1::2] / 40
    along, down = (0.045, -0.025), (-0.015, -0.015)
    for k in range(2):
        torch.testing.assert_close(level[:, k].mean(0), torch.tensor([along[k], down[k]]), atol=0.01, rtol=0)
        torch.testing.assert_close(upright[:, k].mean(0), torch.tensor([-down[k], along[k]]), atol=0.01, rtol=0)
    assert level.std(0).flatten().tolist() == pytest.approx([0.079, 0.095, 0.079, 0.095], abs=0.015)


def test_at_the_borders_equal_shares_of_all_tones_are_read():
    """A network that tends towards the middle: its values are 2.5 + 0.6 (skin - 2.5), with errors."""
    generator = torch.Generator().manual_seed(0)
    skins = 5 * torch.rand(4000, generator=generator)
    tones = torch.bucketize(skins, torch.tensor([1.5, 2.5, 3.5]))
    values = 2.5 + 0.6 * (skins - 2.5) + 0.2 * torch.randn(4000, generator=generator)
    borders = equal_borders(values, tones)
    read = torch.bucketize(values, borders)
    shares = [float((read == k)[tones == k].float().mean()) for k in range(4)]
    assert max(shares) - min(shares) < 0.03  # the borders are values of single faces
    plain = torch.bucketize(values, torch.tensor([1.5, 2.5, 3.5]))
    assert min(shares) > min(float((plain == k)[tones == k].float().mean()) for k in range(4)) + 0.1


@pytest.mark.slow  # the renderer is compiled once
def test_images_are_rendered_once_and_then_loaded(tmp_path):
    path = tmp_path / "data" / "likeness.npz"
    images, marks, eyes = load_or_render(path, numbers(2))
    assert images.shape == (2, 128, 128, 3)
    assert marks.shape == (2, 128, 128)
    written = path.stat().st_mtime_ns
    again = load_or_render(path, numbers(2))
    assert path.stat().st_mtime_ns == written
    assert all(torch.equal(a, b) for a, b in zip((images, marks, eyes), again, strict=True))
