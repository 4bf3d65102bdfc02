import dataclasses
import sys
from threading import Thread

import pytest
import torch
from torch import Tensor, nn

from studio.core.settings import Settings
from studio.models.interface import Model
from studio.models.memory import Need, in_use, need, trim


class Squares(nn.Module):
    """x^2 twice, each of which keeps its input; and weights that are there anyway."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        return (x**2) ** 2 * self.weight


def test_one_call_is_counted_by_what_its_gradient_keeps(model: Model) -> None:
    squares = dataclasses.replace(model, network=Squares().requires_grad_(False))
    state = 3 * model.size**2 * 4
    # the input and its square; the weight is not a cost of the run
    assert need(squares) == Need(state, 2 * state)


def test_only_plain_autograd_keeps_every_call() -> None:
    found = Need(state=1, activations=1000)
    extra = {name: found.extra(Settings(gradient=name), 20) for name in ("discrete", "adjoint_2", "unrolled")}
    assert extra["discrete"] == extra["adjoint_2"] == 1000 + 5 * 20
    assert extra["unrolled"] == 20 * 1000 + 5 * 20


def test_memory_in_use_follows_what_is_allocated() -> None:
    device = torch.device("cpu")
    before = in_use(device)
    large = torch.ones(50_000_000)
    assert in_use(device) > before + 150e6
    del large


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give freed memory back by themselves")
def test_what_a_thread_has_freed_goes_back_to_the_system() -> None:
    kept: list[bytes] = []

    def work() -> None:
        blocks = [b"%d" % i * 50_000 for i in range(10, 99) for _ in range(20)]
        kept.extend(blocks[::100])  # all over the thread's heaps, which therefore do not shrink by themselves

    worker, device = Thread(target=work), torch.device("cpu")
    worker.start()
    worker.join()
    before = in_use(device)
    trim()
    assert in_use(device) < before - 100e6
