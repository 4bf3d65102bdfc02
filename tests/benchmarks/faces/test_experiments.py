import pytest
import torch

from benchmarks.faces.experiments import portraits, rates, views, wide
from losses.faces import Square


def test_separated_people_have_an_error_rate_of_0():
    one, two = torch.tensor([0.9, 0.8, 0.85]), torch.tensor([0.1, 0.2, 0.3])
    assert rates(one, two)[2:4] == ["0.800", "0.300"]
    assert rates(one, two)[-1] == "0.0 %"


def test_views_are_five_images_of_one_face():
    face = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    shapes = [tuple(one.shape[2:]) for one in views(face)]
    assert shapes == [(16, 16), (16, 16), (8, 8), (16, 16), (16, 16)]
    assert wide(Square(1, 2, 10, 0.3)) == Square(1, 2, 16)


def test_the_portraits_are_two_photographs():
    pytest.importorskip("skimage", reason="the extra train is not installed")
    pytest.importorskip("matplotlib", reason="the extra train is not installed")
    for one in portraits().values():
        assert one.shape[:2] == (1, 3)
        assert min(one.shape[2:]) > 500
