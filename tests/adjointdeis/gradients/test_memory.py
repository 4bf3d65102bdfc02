import itertools

import pytest
import torch

from adjointdeis.gradients import memory
from adjointdeis.gradients.checkpointing import forward_steps
from adjointdeis.gradients.memory import Room, divide, free_bytes, measuring, move
from tests.truth import normal

CPU = torch.device("cpu")


@pytest.mark.parametrize("budget", [7, 20, 60, 150, 1000])
@pytest.mark.parametrize(("state", "graph"), [(1, 10), (7, 7), (5, 60)])
def test_no_other_division_makes_fewer_calls(budget, state, graph):
    steps = 14
    room = divide(budget, steps, state, graph)
    assert (steps - room.graphs + 1 if room.states is None else room.states) * state * (
        room.graphs < steps
    ) + room.graphs * graph <= budget
    found = forward_steps(steps - room.graphs, room.states)
    for graphs, states in itertools.product(range(steps + 1), range(1, steps + 2)):
        if (states * state if graphs < steps else 0) + graphs * graph <= budget:
            assert found <= forward_steps(steps - graphs, states)


def test_a_history_is_kept_only_where_steps_are_made_again():
    assert divide(11 * 8, 10, 8, 0, history=3, most_graphs=0) == Room(None, 0)
    assert divide(10 * 8, 10, 8, 0, history=3, most_graphs=0) == Room(3, 0)


def test_a_budget_for_nothing_is_refused():
    with pytest.raises(ValueError, match="memory_budget is 15 bytes, but one state takes 16"):
        divide(15, 10, 8, 100, history=2)
    assert divide(15, 1, 16, 15) == Room(None, 1)


def test_what_a_network_call_keeps_is_measured_without_its_parameters():
    layer = torch.nn.Linear(64, 64, bias=False)
    x = normal(8, 64, dtype=torch.float32).requires_grad_()
    with measuring(layer.parameters(), CPU) as known:
        y = torch.tanh(layer(x))  # keeps x for the weight's gradient, and tanh's own output
    assert known.bytes == 2 * 8 * 64 * 4
    known.count(y)
    known.count(x)
    assert known.bytes == 2 * 8 * 64 * 4
    with measuring([], CPU) as unknown:
        torch.tanh(x @ layer.weight.T)
    assert unknown.bytes == known.bytes
    weights = [torch.randn(64, 64), torch.randn(64, 64)]
    with measuring(weights[:1], CPU) as partly:
        x @ weights[0] @ weights[1]
    assert partly.bytes == 64 * 64 * 4


def test_what_only_the_allocator_knows_of_is_measured_too(monkeypatch):
    readings = iter([100, 900, 900])
    monkeypatch.setattr(memory, "allocated", lambda device: next(readings))
    with measuring([], CPU) as found:
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


def test_a_tensor_that_is_there_is_not_copied():
    x = normal(2, 3)
    assert move(x, x.device) is x
    assert move(x, torch.device("meta")).device.type == "meta"
