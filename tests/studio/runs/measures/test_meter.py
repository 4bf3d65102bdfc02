import threading

import pytest
import torch
from torch import Tensor

from adjointdeis import DiscreteAdjoint, Sampler, Unrolled
from adjointdeis.schedule import LinearVP
from studio.runs.measures.meter import Metered, peak_memory

CPU = torch.device("cpu")
MIB = 2**20


def test_memory_is_the_most_held_at_once_not_the_sum() -> None:
    def work() -> None:
        for _ in range(5):
            torch.ones(MIB // 4)  # released at once

    _, most = peak_memory(work, CPU)
    assert most == pytest.approx(MIB, rel=0.05)


def test_memory_that_is_kept_adds_up() -> None:
    kept, most = peak_memory(lambda: [torch.ones(MIB // 4) for _ in range(5)], CPU)
    assert len(kept) == 5
    assert most == pytest.approx(5 * MIB, rel=0.05)


def test_what_was_there_before_does_not_count() -> None:
    before = torch.ones(8 * MIB)
    _, most = peak_memory(lambda: before[0] + 1, CPU)
    assert most < MIB


def test_memory_is_measured_in_any_thread() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(peak_memory(lambda: torch.ones(MIB), CPU)[1]))
    thread.start()
    thread.join()
    assert found == [pytest.approx(4 * MIB, rel=0.05)]


def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
    for _ in range(10):
        x = torch.tanh(x)
    return 0.1 * x


def gradient(metered: Metered, steps: int = 12) -> Tensor:
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(steps))
    x = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = metered.value_and_grad(
        network, sampler, x, None, lambda image: image.square().sum((1, 2, 3)), None, ("x_T",)
    )
    gradient: Tensor = found.grads["x_T"]
    return gradient


def test_plain_autograd_is_charged_for_every_step_it_keeps() -> None:
    discrete, unrolled = Metered(DiscreteAdjoint(), CPU), Metered(Unrolled(), CPU)
    assert torch.allclose(gradient(discrete), gradient(unrolled), rtol=1e-4)
    assert discrete.memory is not None
    assert unrolled.memory is not None
    assert unrolled.memory > 3 * discrete.memory


def test_the_gradient_whose_memory_is_measured_is_not_timed() -> None:
    metered = Metered(DiscreteAdjoint(), CPU)
    gradient(metered)
    assert metered.seconds == []
    gradient(metered)
    gradient(metered)
    assert len(metered.seconds) == 2
    assert min(metered.seconds) > 0
