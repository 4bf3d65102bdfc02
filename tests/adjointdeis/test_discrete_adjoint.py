import pytest
import torch

from adjointdeis import DiscreteAdjoint, LinearVP, Sampler, Unrolled
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
    assert DiscreteAdjoint(memory_budget=5 * size)._states(order_1, x) == 5
    assert DiscreteAdjoint(memory_budget=5 * size)._states(order_2, x) == 2
    assert DiscreteAdjoint(memory_budget=11 * size)._states(order_2, x) is None
    with pytest.raises(ValueError, match=f"one state takes {size}"):
        DiscreteAdjoint(memory_budget=size - 1).value_and_grad(Tangle(3), order_1, x, None, squared_distance(0.0))


def test_states_that_do_not_fit_a_request_are_refused():
    with pytest.raises(ValueError, match="checkpoints must be at least 1; got 0"):
        DiscreteAdjoint(checkpoints=0)
    with pytest.raises(ValueError, match="not both"):
        DiscreteAdjoint(checkpoints=3, memory_budget=100)
