import math

import pytest
import torch

from losses.faces.align import Square, chip
from tests.losses.faces.pictures import whole_pixels


def points(left=(40.0, 50.0), right=(80.0, 50.0), mouth=(60.0, 90.0)):
    """68 points with the eyes and the mouth each at one position."""
    made = torch.zeros(68, 2, dtype=torch.float64)
    made[36:42], made[42:48], made[48:68] = torch.tensor(left), torch.tensor(right), torch.tensor(mouth)
    return made


def test_the_side_is_the_eyes_distance_to_the_mouth_over_045():
    square = chip(points())
    assert square.side == pytest.approx(math.hypot(20, 40) / 0.45)
    assert square.turn == 0


def test_the_mean_of_eyes_and_mouth_lies_at_05_043():
    assert chip(points()).at(0.5, 0.43) == (pytest.approx(60), pytest.approx(190 / 3))


def test_a_rotated_face_gives_a_rotated_square():
    still = points()
    c, s = math.cos(0.4), math.sin(0.4)
    turned = still @ torch.tensor([[c, s], [-s, c]], dtype=torch.float64)
    a, b = chip(still), chip(turned)
    assert b.turn == pytest.approx(0.4)
    assert b.side == pytest.approx(a.side)
    for u, v in ((0, 0), (1, 0), (0.3, 0.8)):
        x, y = a.at(u, v)
        assert b.at(u, v) == (pytest.approx(c * x - s * y), pytest.approx(s * x + c * y))


def test_the_packages_square_is_upright_and_in_whole_pixels():
    square = whole_pixels(points((40, 54), (80, 50)))
    left, top = square.corners()[0]
    assert (square.turn, left % 1, top % 1, square.side % 1) == (0, 0, 0, 0)


def test_the_packages_square_starts_inside_the_image():
    assert whole_pixels(points((2, 5), (30, 5), (16, 35))).corners()[0] == (0, 0)


def test_a_wider_square_has_the_same_centre():
    wide = Square(10, 20, 8, 0.3).wider(0.25)
    assert (wide.x, wide.y, wide.side, wide.turn) == (10, 20, 12, 0.3)


@pytest.mark.parametrize("side", [0, -1, math.inf, math.nan])
def test_a_square_without_a_size_is_refused(side):
    with pytest.raises(ValueError, match="side > 0"):
        Square(0, 0, side)
