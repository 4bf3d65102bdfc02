import pytest
import torch
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.runs.measures.monitored import Cancelled, MonitoredNetwork


def half(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
    return x / 2


def test_calls_are_passed_on_and_counted(cancel_token: CancelToken) -> None:
    network = MonitoredNetwork(half, cancel_token)
    x = torch.ones(1, 3, 2, 2)
    assert torch.equal(network(torch.zeros(1), x, None), x / 2)
    assert network.calls == 1


def test_after_stop_the_network_refuses(cancel_token: CancelToken) -> None:
    network = MonitoredNetwork(half, cancel_token)
    cancel_token.set()
    with pytest.raises(Cancelled):
        network(torch.zeros(1), torch.ones(1, 3, 2, 2), None)
    assert network.calls == 0


def test_the_first_calls_of_an_update_are_kept_and_the_rest_are_not(cancel_token: CancelToken) -> None:
    network = MonitoredNetwork(half, cancel_token)
    for update in range(2):
        network.record(2)
        for i in range(4):
            network(torch.zeros(1), torch.full((1, 3, 2, 2), float(10 * update + i)), None)
        assert [float(call.state.mean()) for call in network.recorded] == [10 * update, 10 * update + 1]
        assert [float(call.output.mean()) for call in network.recorded] == [5 * update, 5 * update + 0.5]


def test_what_is_kept_holds_no_gradient(cancel_token: CancelToken) -> None:
    network = MonitoredNetwork(half, cancel_token)
    network.record(1)
    network(torch.zeros(1), torch.ones(1, 3, 2, 2, requires_grad=True), None)
    assert not network.recorded[0].output.requires_grad


def test_the_peak_memory_is_the_largest_of_what_was_seen(cancel_token: CancelToken) -> None:
    network = MonitoredNetwork(half, cancel_token)
    before = network.memory
    large = torch.ones(64, 3, 512, 512)
    network(torch.zeros(1), large, None)
    del large
    network(torch.zeros(1), torch.ones(1, 3, 2, 2), None)
    assert network.peak_memory > before + 100e6
    assert network.memory < network.peak_memory
