import pytest
import torch
from torch import Tensor

from studio.stops import Flag
from studio.watch import Cancelled, Watched


def half(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
    return x / 2


def test_calls_are_passed_on_and_counted(flag: Flag) -> None:
    network = Watched(half, flag)
    x = torch.ones(1, 3, 2, 2)
    assert torch.equal(network(torch.zeros(1), x, None), x / 2)
    assert network.calls == 1


def test_after_stop_the_network_refuses(flag: Flag) -> None:
    network = Watched(half, flag)
    flag.set()
    with pytest.raises(Cancelled):
        network(torch.zeros(1), torch.ones(1, 3, 2, 2), None)
    assert network.calls == 0
