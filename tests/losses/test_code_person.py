import pytest
import torch

from losses import CodePerson, LinearHead

HEAD = LinearHead(torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), torch.tensor([0.5, 0.0]))


def encode(image: torch.Tensor) -> torch.Tensor:
    return image.mean(dim=(2, 3))


def code(x: float, y: float) -> torch.Tensor:
    """A code whose numbers are (x, y); the third entry does not count."""
    return torch.tensor([[(x - 0.5) / 2, y / 2, 7.0]])


def test_it_is_the_cosine_distance_of_the_numbers_above_the_level() -> None:
    loss = CodePerson(encode, HEAD, code(1, 0), level=0.1)
    assert loss.distance(code(3, 0)).item() == pytest.approx(0, abs=1e-6)
    assert loss.distance(code(0, 2)).item() == pytest.approx(1)
    assert loss.of(code(0, 2)).item() == pytest.approx(0.9)
    assert loss.of(code(1, 0.3)).item() == 0


def test_several_people_are_met_half_way() -> None:
    loss = CodePerson(encode, HEAD, [code(1, 0), code(0, 3)], level=0.0)
    half_way, first, second = (loss.distance(code(*numbers)).item() for numbers in ((1, 1), (1, 0), (0, 1)))
    assert half_way == pytest.approx(0, abs=1e-6)
    assert first == pytest.approx(second) == pytest.approx(1 - 0.5**0.5)


def test_an_image_is_seen_by_its_code() -> None:
    loss = CodePerson(encode, HEAD, code(1, 0))
    image = code(0, 2)[..., None, None].expand(1, 3, 4, 4).clone().requires_grad_(True)
    value = loss(image)
    assert value.item() == pytest.approx(0.9)
    (gradient,) = torch.autograd.grad(value.sum(), image)
    assert gradient[:, :2].abs().sum() > 0
    assert gradient[:, 2].abs().sum() == 0
