import pytest
import torch

from studio.models.placement.placement import SHARE, Placement, best_device, choose, ladder

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


@pytest.mark.parametrize(
    ("cuda", "mps", "best", "without_mps"),
    [(True, True, "cuda", "cuda"), (False, True, "mps", "cpu"), (False, False, "cpu", "cpu")],
)
def test_the_best_device_is_a_gpu_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str, without_mps: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device() == torch.device(best)
    assert best_device(mps=False) == torch.device(without_mps)
