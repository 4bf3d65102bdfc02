import torch

from studio.runs.area.edges import feathered, widened


def dot(side: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, side, side)
    mask[..., side // 2, side // 2] = 1
    return mask


def test_a_margin_is_a_thirty_second_of_the_side_on_each_side() -> None:
    assert widened(dot(64)).sum() == 5 * 5
    assert widened(dot(128)).sum() == 9 * 9
    assert widened(dot(16)).sum() == 3 * 3


def test_an_edge_falls_to_exactly_0_and_the_inside_stays_1() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 20:40, 20:40] = 1
    soft = feathered(mask)
    assert (soft[..., 22:38, 22:38] == 1).all()
    assert (soft[..., :18, :] == 0).all()
    row = soft[0, 0, 30, 15:30]
    assert (row.diff() >= 0).all()
    assert ((row > 0) & (row < 1)).sum() == 4
