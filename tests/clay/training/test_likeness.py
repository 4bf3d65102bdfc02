import numpy as np
import pytest
import torch

from clay.likeness.frame import SIZE
from clay.likeness.network import FaceParser
from clay.likeness.readout import Readout
from clay.likeness.render_skin import SKIN_MEASURES, RenderSkin
from clay.people.dataset import scene
from clay.people.view import SEGMENTS
from clay.training.likeness import LikenessLoss, load_or_render, numbers, random_crops
from clay.training.likeness_readout import ReadoutLoss, measured
from clay.training.likeness_skin import SkinLoss
from clay.training.likeness_skin import measured as skins_measured

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
    measures = skins_measured(parser, *data, ways=2, seed=0)
    assert measures.shape == (2 * COUNT, SKIN_MEASURES)
    network = RenderSkin(16)
    skins = torch.tensor([person.skin for person, _ in SCENES * 2])
    values = SkinLoss(measures, skins, batch=8)(network, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


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
