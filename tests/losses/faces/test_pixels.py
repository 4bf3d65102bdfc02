import pytest
import torch

from losses.faces.pixels import BLACK, centred, levels, pad_to_square, resize_corners


def test_levels_run_from_0_to_255():
    assert levels(torch.tensor([-1.0, 0.0, 1.0])).tolist() == [0, 127.5, 255]


def test_the_mean_is_taken_off_before_the_division():
    grey = torch.full((1, 3, 1, 1), 2 * 100 / 255 - 1)
    assert centred(grey, (100, 49, 0)).flatten().tolist() == pytest.approx([0, 51 / 255, 100 / 255], abs=1e-6)


def test_resizing_takes_pixels_from_corner_to_corner():
    row = torch.tensor([0.0, 10.0, 20.0, 30.0]).expand(1, 1, 4, 4)
    assert resize_corners(row, 2)[0, 0, 0].tolist() == [0, 20]  # torch's function would give 5 and 25
    assert resize_corners(row, 8)[0, 0, 0].tolist() == [0, 5, 10, 15, 20, 25, 30, 30]


def test_an_image_of_the_target_size_is_not_changed():
    image = torch.rand(1, 3, 5, 5)
    assert resize_corners(image, 5) is image


def test_resizing_has_a_gradient():
    image = torch.rand(1, 2, 5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize_corners(x, 4), image)


@pytest.mark.parametrize(("centre", "first", "last"), [(True, 1, 1), (False, 0, 3)])
def test_black_fills_the_shorter_side(centre, first, last):
    padded = pad_to_square(torch.ones(1, 3, 4, 7), centre)
    assert padded.shape == (1, 3, 7, 7)
    rows = (padded[0, 0] == BLACK).all(dim=1).tolist()
    assert rows.index(False) == first
    assert sum(rows) == 3
    assert rows[-1] == (last > 0)
