import pytest
import torch

from losses.faces.align import Square
from losses.faces.pixels import resize_corners
from losses.faces.warp import cut


def ramp(height=40, width=60):
    """Red is x, green is y."""
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    return torch.stack([x, y, x * 0])[None]


def test_an_upright_square_is_the_slice_resized():
    image = torch.rand(1, 3, 40, 60, dtype=torch.float64)
    for side, size in ((20, 20), (20, 33), (30, 15)):
        ours = cut(image, [Square(10 + side / 2, 5 + side / 2, side)], size, smooth=False)
        expected = resize_corners(image[..., 5 : 5 + side, 10 : 10 + side], size)
        inner = size - -(-size // side)  # the last samples of a slice repeat its border
        assert (ours - expected)[..., :inner, :inner].abs().max() < 1e-5


def test_samples_lie_at_the_positions_of_the_square():
    square = Square(31, 19, 12, 0.5)
    crop = cut(ramp(), [square], 8)[0]
    for i, j in ((0, 0), (3, 6), (7, 1)):
        assert crop[:2, i, j].tolist() == pytest.approx(square.at(j / 8, i / 8))


def test_the_border_is_repeated():
    assert cut(ramp(), [Square(0, 20, 10)], 5)[0, 0, 2].tolist() == pytest.approx([0, 0, 0, 1, 3])


def test_every_pixel_of_a_large_square_gets_a_gradient():
    image = torch.zeros(1, 3, 40, 40, requires_grad=True)
    square = [Square(20, 20, 30)]
    reached = {}
    for smooth in (True, False):
        (grad,) = torch.autograd.grad(cut(image, square, 10, smooth).sum(), image)
        reached[smooth] = (grad[0, 0, 8:30, 8:30] > 0).double().mean().item()
    assert reached[True] == 1
    assert reached[False] < 0.5


def test_averaging_keeps_the_position():
    crop = cut(ramp(), [Square(30, 20, 24)], 6)[0, 0]
    plain = cut(ramp(), [Square(30, 20, 24)], 6, smooth=False)[0, 0]
    assert (crop - plain).abs().max() < 1e-12


def test_every_image_may_have_its_own_square():
    image = torch.rand(2, 3, 30, 30)
    squares = [Square(10, 10, 8), Square(18, 15, 11, 0.2)]
    both = cut(image, squares, 8, smooth=False)
    for i, square in enumerate(squares):
        assert (both[i] - cut(image[i : i + 1], [square], 8, smooth=False)[0]).abs().max() < 1e-6


def test_the_gradient_is_exact():
    image = torch.rand(1, 1, 9, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: cut(x, [Square(5, 4, 6, 0.3)], 3), image)


def test_a_wrong_number_of_squares_is_refused():
    with pytest.raises(ValueError, match="got 2 for 3 images"):
        cut(torch.zeros(3, 3, 8, 8), [Square(4, 4, 4)] * 2, 4)
