import pytest
import torch

from studio.models.placement.placement import SHARE, Placement, best_device, fastest_fit, placements

GPU = torch.device("cuda")


def test_each_placement_saves_memory_in_one_more_way() -> None:
    assert [str(one) for one in placements(GPU)] == [
        "cuda",
        "cuda, half precision",
        "cuda, half precision, gradient checkpointing",
        "cuda, half precision, gradient checkpointing, guidance in two calls",
        "cuda, half precision, gradient checkpointing, guidance in two calls, slices and tiles",
    ]


def test_a_cpu_stays_in_full_precision() -> None:
    assert not any(one.half for one in placements(torch.device("cpu")))
    assert Placement(torch.device("cpu")).dtype == torch.float32


def test_the_fastest_that_fits_is_chosen_and_the_smallest_if_none_fits() -> None:
    needs = dict(zip(placements(GPU), (1000, 600, 400, 300, 200), strict=True))
    for free, index in ((10_000, 0), (1000, 1), (int(400 / SHARE) + 1, 2), (350, 4), (10, 4)):
        assert fastest_fit(GPU, needs, free) == placements(GPU)[index]


def test_without_estimates_the_plain_placement_is_chosen() -> None:
    assert fastest_fit(GPU, {}, 100) == Placement(GPU)


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
