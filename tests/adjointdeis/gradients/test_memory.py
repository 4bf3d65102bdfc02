import itertools

import pytest
import torch

from adjointdeis.gradients import memory
from adjointdeis.gradients.checkpointing import forward_steps
from adjointdeis.gradients.memory import Allocation, allocate, free_bytes, measure_graph, to_device
from tests.truth import normal

CPU = torch.device("cpu")


@pytest.mark.parametrize("budget", [7, 20, 60, 150, 1000])
@pytest.mark.parametrize(("state", "graph"), [(1, 10), (7, 7), (5, 60)])
def test_no_other_allocation_makes_fewer_calls(budget, state, graph):
    steps = 14
    found = allocate(budget, steps, state, graph)
    assert (steps - found.graphs + 1 if found.checkpoints is None else found.checkpoints) * state * (
        found.graphs < steps
    ) + found.graphs * graph <= budget
    cost = forward_steps(steps - found.graphs, found.checkpoints)
    for graphs, states in itertools.product(range(steps + 1), range(1, steps + 2)):
        if (states * state if graphs < steps else 0) + graphs * graph <= budget:
            assert cost <= forward_steps(steps - graphs, states)


def test_a_history_is_stored_only_where_steps_are_made_again():
    assert allocate(11 * 8, 10, 8, 0, history=3, max_graphs=0) == Allocation(None, 0)
    assert allocate(10 * 8, 10, 8, 0, history=3, max_graphs=0) == Allocation(3, 0)


def test_a_budget_below_one_state_is_refused():
    with pytest.raises(ValueError, match="memory_budget is 15 bytes, but one state takes 16"):
        allocate(15, 10, 8, 100, history=2)
    assert allocate(15, 1, 16, 15) == Allocation(None, 1)


def test_the_graph_of_a_network_call_is_measured_without_its_parameters():
    layer = torch.nn.Linear(64, 64, bias=False)
    x = normal(8, 64, dtype=torch.float32).requires_grad_()
    with measure_graph(layer.parameters(), CPU) as known:
        y = torch.tanh(layer(x))  # keeps x for the weight's gradient, and tanh's own output
    assert known.bytes == 2 * 8 * 64 * 4
    known.count(y)
    known.count(x)
    assert known.bytes == 2 * 8 * 64 * 4
    with measure_graph([], CPU) as unknown:
        torch.tanh(x @ layer.weight.T)
    assert unknown.bytes == known.bytes
    weights = [torch.randn(64, 64), torch.randn(64, 64)]
    with measure_graph(weights[:1], CPU) as partly:
        x @ weights[0] @ weights[1]
    assert partly.bytes == 64 * 64 * 4


def test_memory_that_autograd_does_not_report_is_measured_by_the_allocator(monkeypatch):
    readings = iter([100, 900, 900])
    monkeypatch.setattr(memory, "allocated", lambda device: next(readings))
    with measure_graph([], CPU) as found:
        torch.tanh(normal(4).requires_grad_())
    assert found.bytes == 800


def test_free_memory_is_that_of_the_machine_or_of_the_container(monkeypatch, tmp_path):
    assert 2**20 < free_bytes(CPU) < 2**50
    assert free_bytes(torch.device("meta")) is None
    for name, content in (("max", "1000"), ("current", "900"), ("stat", "file 50\ninactive_file 30\n")):
        (tmp_path / f"memory.{name}").write_text(content, encoding="ascii")
    assert memory._free_in_group(tmp_path) == 130
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert memory._free_in_group(tmp_path) is None
    monkeypatch.setattr(memory, "_free_in_machine", lambda: 500)
    monkeypatch.setattr(memory, "_free_in_group", lambda: 130)
    assert free_bytes(CPU) == 130
    monkeypatch.setattr(memory, "_free_in_machine", lambda: None)
    monkeypatch.setattr(memory, "_free_in_group", lambda: None)
    assert free_bytes(CPU) is None


def test_a_tensor_on_its_device_is_not_copied():
    x = normal(2, 3)
    assert to_device(x, x.device) is x
    assert to_device(x, torch.device("meta")).device.type == "meta"
