import pytest
import torch

from adjointdeis import DiscreteAdjoint, HalfPrecision, LinearVP, Sampler, Unrolled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

SAMPLERS = {
    "DDIM": {},
    "DPM-Solver-2M": {"order": 2},
    "DPM-Solver++(2M)": {"order": 2, "family": "data"},
    "SDE-DPM-Solver-1": {"sde": True},
    "SDE-DPM-Solver++(1)": {"sde": True, "family": "data"},
    "SDE-DPM-Solver++(2M)": {"sde": True, "family": "data", "order": 2},
}
WORLDS = {"gaussian": gaussian(), "mixture": mixture()}


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_equals_plain_automatic_differentiation(name, world, steps):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(steps), **SAMPLERS[name])
    x, z, loss_fn = normal(3, 2, 2, 3), normal(3, 4, seed=1), squared_distance(normal(3, 2, 2, 3, seed=2))
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    wrt = ("x_T", "z", "noises") if sampler.sde else ("x_T", "z")
    ours, truth = (
        method.value_and_grad(WORLDS[world], sampler, x, z, loss_fn, w, wrt)
        for method in (DiscreteAdjoint(), Unrolled())
    )
    for variable in wrt:
        assert relative_error(ours.grads[variable], truth.grads[variable]) < 1e-9, variable


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_prediction_type_and_the_networks_parameters(name, prediction):
    grid = LinearVP().uniform_log_snr(6, end=0.05)
    sampler = Sampler.from_grid(grid, prediction_type=prediction, **SAMPLERS[name])
    model = Tangle(3, 4).double()
    x, z, loss_fn = normal(2, 3, 2, 2), normal(2, 4, seed=1), squared_distance(normal(2, 3, 2, 2, seed=2))
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    ours, truth = (
        method.value_and_grad(model, sampler, x, z, loss_fn, w, ("x_T", "z", "theta"))
        for method in (DiscreteAdjoint(), Unrolled())
    )
    assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-12
    assert relative_error(ours.grads["z"], truth.grads["z"]) < 1e-12
    for parameter in ("mix", "inject"):
        assert relative_error(ours.grads["theta"][parameter], truth.grads["theta"][parameter]) < 1e-12


def test_an_end_at_sigma_zero_is_differentiated_too():
    from adjointdeis import Grid

    grid = Grid((3, 2, 1, 0), (0.1, 0.5, 0.9, 1.0), (0.995, 0.866, 0.436, 0.0))
    x, z = normal(2, 3, 2, 2), normal(2, 4, seed=1)
    for kwargs in ({}, {"order": 2, "family": "data", "lower_order_final": True}):
        sampler = Sampler.from_grid(grid, **kwargs)
        ours, truth = (
            method.value_and_grad(Tangle(3, 4), sampler, x, z, squared_distance(x[:1]))
            for method in (DiscreteAdjoint(), Unrolled())
        )
        assert relative_error(ours.grads["x_T"], truth.grads["x_T"]) < 1e-12


def test_one_call_forwards_and_one_backwards_a_step():
    calls = {False: 0, True: 0}

    def counting(t, x, z):
        calls[torch.is_grad_enabled()] += 1
        return 0.5 * x

    for name in ("DDIM", "DPM-Solver++(2M)"):
        calls.update({False: 0, True: 0})
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(7), **SAMPLERS[name])
        DiscreteAdjoint().value_and_grad(counting, sampler, normal(1, 1, 2, 2), None, squared_distance(0.0))
        assert calls == {False: 7, True: 7}


def test_no_graph_outlives_its_step():
    """Tensors saved for the backward pass never belong to two steps at once."""
    alive = peak = 0

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            nonlocal alive, peak
            alive += 1
            peak = max(peak, alive)
            return 0.5 * x

        @staticmethod
        def backward(ctx, g):
            nonlocal alive
            alive -= 1
            return 0.5 * g

    def model(t, x, z):
        return Watched.apply(x) if torch.is_grad_enabled() else 0.5 * x

    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(9))
    DiscreteAdjoint().value_and_grad(model, sampler, normal(1, 1, 2, 2), None, squared_distance(0.0))
    assert (peak, alive) == (1, 0)


@pytest.mark.parametrize("checkpoints", [1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize("name", SAMPLERS)
def test_fewer_kept_states_give_the_same_gradient(name, checkpoints):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8), **SAMPLERS[name])
    x, z, loss_fn = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(normal(2, 2, 2, 3, seed=2))
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    wrt = ("x_T", "z", "noises") if sampler.sde else ("x_T", "z")
    few, all_kept = (
        DiscreteAdjoint(kept).value_and_grad(WORLDS["mixture"], sampler, x, z, loss_fn, w, wrt)
        for kept in (checkpoints, None)
    )
    assert torch.equal(few.image, all_kept.image)
    for variable in wrt:
        assert torch.equal(few.grads[variable], all_kept.grads[variable]), variable


def test_a_memory_budget_becomes_a_number_of_states():
    x = normal(2, 3, 4, 4)
    size = x.numel() * x.element_size()
    order_1 = Sampler.from_grid(LinearVP().uniform_log_snr(10))
    order_2 = Sampler.from_grid(LinearVP().uniform_log_snr(10), order=2)
    assert DiscreteAdjoint(memory_budget=5 * size)._allocation(order_1, x) == (5, 0)
    assert DiscreteAdjoint(memory_budget=5 * size)._allocation(order_2, x) == (2, 0)
    assert DiscreteAdjoint(memory_budget=11 * size)._allocation(order_2, x) == (None, 0)
    with pytest.raises(ValueError, match=f"one state takes {size}"):
        DiscreteAdjoint(memory_budget=size - 1).value_and_grad(Tangle(3), order_1, x, None, squared_distance(0.0))


def test_states_that_do_not_fit_a_request_are_refused():
    with pytest.raises(ValueError, match="checkpoints must be at least 1; got 0"):
        DiscreteAdjoint(checkpoints=0)
    with pytest.raises(ValueError, match="not both"):
        DiscreteAdjoint(checkpoints=3, memory_budget=100)
    for wrong in (-1, "all"):
        with pytest.raises(ValueError, match=f"graphs must be a number of steps.*got {wrong!r}"):
            DiscreteAdjoint(graphs=wrong)


@pytest.mark.parametrize(
    ("graphs", "settings"),
    [(1, {}), (3, {"checkpoints": 3}), (100, {}), ("auto", {"checkpoints": 2}), ("auto", {"memory_budget": 4000})],
    ids=str,
)
@pytest.mark.parametrize("name", SAMPLERS)
def test_kept_graphs_give_the_same_gradient(name, graphs, settings):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8), **SAMPLERS[name])
    x, z, loss_fn = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(normal(2, 2, 2, 3, seed=2))
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    wrt = ("x_T", "z", "noises", "theta") if sampler.sde else ("x_T", "z", "theta")
    model = Tangle(2, 4).double()
    kept, plain = (
        method.value_and_grad(model, sampler, x, z, loss_fn, w, wrt)
        for method in (DiscreteAdjoint(graphs=graphs, **settings), DiscreteAdjoint())
    )
    assert torch.equal(kept.image, plain.image)
    for variable in wrt[:-1]:
        assert relative_error(kept.grads[variable], plain.grads[variable]) < 1e-12, variable
    for parameter, grad in plain.grads["theta"].items():
        assert relative_error(kept.grads["theta"][parameter], grad) < 1e-12


class Counting:
    """A network that counts its calls with and without a graph."""

    def __init__(self, network):
        self.network, self.calls = network, {False: 0, True: 0}

    def __call__(self, t, x, z):
        self.calls[torch.is_grad_enabled()] += 1
        return self.network(t, x, z)


@pytest.mark.parametrize(("graphs", "plain"), [(0, 7), (3, 4), (7, 0), ("auto", 0)])
def test_a_step_whose_graph_is_kept_needs_no_second_call(graphs, plain):
    counting = Counting(mixture())
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(7))
    arguments = (sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(0.0))
    DiscreteAdjoint(graphs=graphs).value_and_grad(counting, *arguments)
    assert counting.calls == {False: plain, True: 7}


class Heavy:
    """0.5 x, keeping two tensors like x for the backward pass: with x, a graph three states large. Counts graphs."""

    def __init__(self):
        self.alive = self.peak = 0

    def __call__(self, t, x, z):
        return _Heavy.apply(x, self) if torch.is_grad_enabled() else 0.5 * x


class _Heavy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, counter):
        counter.alive += 1
        counter.peak = max(counter.peak, counter.alive)
        ctx.save_for_backward(x.clone(), x.clone())
        ctx.token = _Token(counter)
        return 0.5 * x

    @staticmethod
    def backward(ctx, g):
        return 0.5 * g, None


class _Token:
    def __init__(self, counter):
        self.counter = counter

    def __del__(self):
        self.counter.alive -= 1


def test_graphs_and_states_share_the_memory_budget():
    """As the budget grows there are fewer calls, and never more bytes are kept than it allows."""
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(12))
    x = normal(1, 2, 8, 8)
    state = x.numel() * 8
    graph = 4 * state  # x, its two copies, the output
    calls, graphs = [], []
    for budget in (state, 5 * state, 13 * state, 13 * state + graph, 24 * state, 12 * graph):
        heavy = Heavy()
        counting = Counting(heavy)
        method = DiscreteAdjoint(memory_budget=budget, graphs="auto")
        method.value_and_grad(counting, sampler, x, None, squared_distance(0.0))
        calls.append(counting.calls[False])
        # the graph of the step at hand comes on top where not all are kept
        graphs.append(heavy.peak if calls[-1] == 0 else heavy.peak - 1)
        assert graphs[-1] * graph <= budget
        assert heavy.alive == 0
    assert calls[0] == 13 * 12 // 2 - 1  # one state; the measured step is not made again
    assert calls[-1] == 0
    assert calls == sorted(calls, reverse=True)
    assert graphs[0] == 0
    assert graphs[-1] == 12
    assert len(set(calls)) == len(calls)


class Elsewhere:
    """Stands in for a second device: bits of what is moved there are flipped until it is moved back."""

    def __init__(self):
        self.moved = {"meta": 0, "cpu": 0}

    def __call__(self, x, device):
        self.moved[device.type] += 1
        return (x.view(torch.int64) ^ 0x5A5A5A5A5A5A5A).view(x.dtype)


@pytest.mark.parametrize("name", ["DDIM", "DPM-Solver++(2M)"])
@pytest.mark.parametrize("settings", [{}, {"checkpoints": 3}, {"graphs": 2}], ids=str)
def test_states_may_be_kept_on_another_device(monkeypatch, name, settings):
    elsewhere = Elsewhere()
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(8), **SAMPLERS[name])
    arguments = (mixture(), sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(0.0))
    plain = DiscreteAdjoint(**settings).value_and_grad(*arguments)
    monkeypatch.setattr("adjointdeis.gradients.discrete.to_device", elsewhere)
    away = DiscreteAdjoint(states_on="meta", **settings).value_and_grad(*arguments)
    assert torch.equal(away.grads["x_T"], plain.grads["x_T"])
    assert torch.equal(away.grads["z"], plain.grads["z"])
    assert elsewhere.moved["meta"] >= 3
    assert elsewhere.moved["cpu"] >= 3


def test_a_wrapper_that_names_no_parameters_may_be_measured():
    """HalfPrecision refuses to name the parameters of what is no module; they are not asked for here."""
    model = HalfPrecision(lambda t, x, z: 0.5 * x, torch.bfloat16)
    sampler, x = Sampler.from_grid(LinearVP().uniform_log_snr(5)), normal(1, 2, 4, 4, dtype=torch.float32)
    found = DiscreteAdjoint(graphs="auto").value_and_grad(model, sampler, x, None, squared_distance(0.0))
    assert found.grads["x_T"].isfinite().all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_states_of_a_gpu_may_be_kept_in_the_computers_memory():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(20), order=2)
    x, z, model = normal(2, 3, 64, 64).cuda(), normal(2, 4, seed=1).cuda(), Tangle(3, 4).double().cuda()
    here, away = (
        DiscreteAdjoint(states_on=device, checkpoints=5).value_and_grad(model, sampler, x, z, squared_distance(0.0))
        for device in (None, "cpu")
    )
    assert torch.equal(away.grads["x_T"], here.grads["x_T"])
    assert torch.equal(away.grads["z"], here.grads["z"])
