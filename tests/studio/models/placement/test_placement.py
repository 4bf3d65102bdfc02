import torch

from studio.models.placement.placement import SHARE, Placement, choose, ladder

GPU = torch.device("cuda")


def test_each_rung_saves_in_one_more_way() -> None:
    assert [str(rung) for rung in ladder(GPU)] == [
        "cuda",
        "cuda, half precision",
        "cuda, half precision, blocks computed again",
        "cuda, half precision, blocks computed again, guidance in two calls",
        "cuda, half precision, blocks computed again, guidance in two calls, sliced and tiled",
    ]


def test_a_cpu_stays_in_full_precision() -> None:
    assert not any(rung.half for rung in ladder(torch.device("cpu")))
    assert Placement(torch.device("cpu")).dtype == torch.float32


def test_the_fastest_that_fits_is_taken_and_the_most_frugal_where_none_does() -> None:
    needs = dict(zip(ladder(GPU), (1000, 600, 400, 300, 200), strict=True))
    for free, rung in ((10_000, 0), (1000, 1), (int(400 / SHARE) + 1, 2), (350, 4), (10, 4)):
        assert choose(GPU, needs, free) == ladder(GPU)[rung]


def test_without_numbers_it_is_held_plainly() -> None:
    assert choose(GPU, {}, 100) == Placement(GPU)
