import gc
import weakref

import numpy as np
import pytest
import torch

from adjointdeis import DiscreteAdjoint, Grid, LinearVP, Sampler
from adjointdeis.gradients.reversible import Reversible
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

X, Z, LOSS = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(normal(2, 2, 2, 3, seed=2))
FLOW = Grid((1.0, 0.8, 0.5, 0.2, 0.0), (0.0, 0.2, 0.5, 0.8, 1.0), (1.0, 0.8, 0.5, 0.2, 0.0))
VP = LinearVP().uniform_log_snr(6)
ZERO = Grid((3, 2, 1, 0), (0.1, 0.5, 0.9, 1.0), (0.995, 0.866, 0.436, 0.0))


def by_autograd(method, model, sampler, x, z, loss_fn):
    """The same sampler, differentiated by torch with every state kept."""
    x = x.clone().requires_grad_()
    held = z.z if isinstance(z, Scheduled) else z
    leaf = held.clone().requires_grad_()
    *_, image = method.sample(model, sampler, x, Scheduled(leaf) if isinstance(z, Scheduled) else leaf)
    parameters = list(model.parameters()) if isinstance(model, torch.nn.Module) else []
    grads = torch.autograd.grad(loss_fn(image).sum(), [x, leaf, *parameters])
    return image.detach(), grads


@pytest.mark.parametrize("coupling", [1.0, 0.97, 0.9])
@pytest.mark.parametrize("world", [gaussian(), mixture()], ids=["gaussian", "mixture"])
def test_fifty_steps_without_a_kept_state_give_the_gradient_of_all_states_kept(world, coupling):
    sampler, method = Sampler.from_grid(LinearVP().uniform_log_snr(50)), Reversible(coupling)
    found = method.value_and_grad(world, sampler, X, Z, LOSS)
    image, (g_x, g_z) = by_autograd(method, world, sampler, X, Z, LOSS)
    assert torch.equal(found.image, image)
    assert relative_error(found.grads["x_T"], g_x) < 1e-8
    assert relative_error(found.grads["z"], g_z) < 1e-8


@pytest.mark.parametrize(
    ("grid", "prediction"),
    [
        (VP, "epsilon"),
        (VP, "sample"),
        (VP, "v_prediction"),
        (ZERO, "epsilon"),
        (ZERO, "v_prediction"),
        (FLOW, "flow_prediction"),
        (VP.cut(0.01), "epsilon"),
    ],
)
def test_every_prediction_and_both_ends_and_the_networks_parameters(grid, prediction):
    sampler, method = Sampler.from_grid(grid, prediction_type=prediction), Reversible()
    model, x, loss_fn = Tangle(3, 4).double(), normal(2, 3, 2, 2), squared_distance(normal(2, 3, 2, 2, seed=2))
    found = method.value_and_grad(model, sampler, x, Z, loss_fn, wrt=("x_T", "z", "theta"))
    image, (g_x, g_z, mix, inject) = by_autograd(method, model, sampler, x, Z, loss_fn)
    assert torch.equal(found.image, image)
    theta = found.grads["theta"]
    for ours, truth in (
        (found.grads["x_T"], g_x),
        (found.grads["z"], g_z),
        (theta["mix"], mix),
        (theta["inject"], inject),
    ):
        assert relative_error(ours, truth) < 1e-11


def test_one_conditioning_a_step_gets_one_gradient_a_step():
    sampler, method = Sampler.from_grid(VP), Reversible()
    model, z, loss_fn = Tangle(2, 4).double().requires_grad_(False), Scheduled(normal(6, 2, 4, seed=1)), LOSS
    found = method.value_and_grad(model, sampler, X, z, loss_fn)
    x, leaf = X.clone().requires_grad_(), z.z.clone().requires_grad_()
    *_, image = method.sample(model, sampler, x, Scheduled(leaf))
    g_x, g_z = torch.autograd.grad(loss_fn(image).sum(), [x, leaf])
    assert relative_error(found.grads["x_T"], g_x) < 1e-11
    assert relative_error(found.grads["z"], g_z) < 1e-11
    assert found.grads["z"].shape == (6, 2, 4)


@pytest.mark.parametrize("coupling", [1.0, 0.5])
def test_image_and_gradient_converge_to_those_of_the_exact_flow_at_order_one(coupling):
    """By autograd, because no backward pass keeps its digits over 320 steps with a coupling of 0.5."""
    world, counts, errors = gaussian(), [80, 160, 320], {"image": [], "x_T": [], "z": []}
    for n in counts:
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n, end=0.02))
        x, z = X.clone().requires_grad_(), Z.clone().requires_grad_()
        exact = world.flow(sampler.grid, x, z)
        g_x, g_z = torch.autograd.grad(LOSS(exact).sum(), [x, z])
        image, (f_x, f_z) = by_autograd(Reversible(coupling), world, sampler, X, Z, LOSS)
        for name, f, g in (("image", image, exact.detach()), ("x_T", f_x, g_x), ("z", f_z, g_z)):
            errors[name].append(relative_error(f, g))
    for name, values in errors.items():
        assert -np.polyfit(np.log(counts), np.log(values), 1)[0] == pytest.approx(1, abs=0.15), name


@pytest.mark.slow
def test_at_usual_numbers_of_steps_the_image_is_as_near_to_the_flow_as_ddims():
    world = mixture()
    fine = Sampler.from_grid(LinearVP().uniform_log_snr(500), order=2, family="data")
    truth = DiscreteAdjoint().value_and_grad(world, fine, X, Z, LOSS)
    for n in (10, 20):
        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n))
        ours, ddim = (m.value_and_grad(world, sampler, X, Z, LOSS) for m in (Reversible(), DiscreteAdjoint()))
        assert relative_error(ours.image, truth.image) < 0.5 * relative_error(ddim.image, truth.image)
        assert relative_error(ours.grads["z"], truth.grads["z"]) < relative_error(ddim.grads["z"], truth.grads["z"])


def alive_at_once(method, n):
    """The most states handed to the network that are still in memory when another call is made."""
    seen: list[weakref.ref] = []
    most = 0

    def model(t, x, z):
        nonlocal most
        most = max(most, sum(ref() is not None for ref in seen))
        seen.append(weakref.ref(x))
        return 0.3 * x.tanh()

    method.value_and_grad(model, Sampler.from_grid(LinearVP().uniform_log_snr(n)), X, None, LOSS)
    return most


def test_memory_is_flat_in_the_number_of_steps():
    assert alive_at_once(Reversible(), 5) == alive_at_once(Reversible(), 40) <= 6
    assert alive_at_once(DiscreteAdjoint(), 40) >= 39


def test_no_tensor_of_a_states_size_is_kept_beyond_a_handful():
    """Counted over all objects, at the calls in the middle of the backward pass, without those of other tests."""
    x = normal(7, 11, 13)

    def of_this_size() -> dict[int, torch.Tensor]:
        return {id(o): o for o in gc.get_objects() if issubclass(type(o), torch.Tensor) and o.numel() == x.numel()}

    held, before = {}, of_this_size()
    for n in (4, 40):
        gc.collect()
        calls = 0

        def model(t, x, z, n=n):
            nonlocal calls
            calls += 1
            if calls == 3 * n:
                held[n] = len(of_this_size().keys() - before.keys())
            return 0.3 * x.tanh()

        sampler = Sampler.from_grid(LinearVP().uniform_log_snr(n))
        Reversible().value_and_grad(model, sampler, x, None, squared_distance(0.0))
    assert held[4] == held[40] <= 24


def test_one_pass_makes_twice_a_steps_calls_less_one_each_way():
    calls = {False: 0, True: 0}

    def counting(t, x, z):
        calls[torch.is_grad_enabled()] += 1
        return 0.5 * x

    Reversible().value_and_grad(counting, Sampler.from_grid(LinearVP().uniform_log_snr(7)), X, None, LOSS)
    assert calls == {False: 13, True: 13}


def test_a_network_in_float32_loses_no_more_than_its_own_rounding():
    sampler, method = Sampler.from_grid(LinearVP().uniform_log_snr(50)), Reversible()
    model, x, z = Tangle(2, 4).requires_grad_(False), X.float(), Z.float()
    found = method.value_and_grad(model, sampler, x, z, LOSS)
    network = Tangle(2, 4).double().requires_grad_(False)
    start, leaf = x.double().requires_grad_(), z.double().requires_grad_()
    *_, image = method.sample(network, sampler, start, leaf)
    g_x, g_z = torch.autograd.grad(LOSS(image).sum(), [start, leaf])
    assert {g.dtype for g in found.grads.values()} == {torch.float32} == {found.image.dtype}
    assert relative_error(found.grads["x_T"].double(), g_x) < 1e-4
    assert relative_error(found.grads["z"].double(), g_z) < 1e-4


def test_the_callers_mode_and_tensors_are_left_alone():
    sampler, model = Sampler.from_grid(VP), Tangle(2, 4)
    plain = Reversible().value_and_grad(model, sampler, X, Z, LOSS)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            quiet = Reversible().value_and_grad(model, sampler, normal(2, 2, 2, 3), normal(2, 4, seed=1), LOSS)
        assert torch.equal(quiet.grads["x_T"], plain.grads["x_T"])
        assert torch.equal(quiet.grads["z"], plain.grads["z"])
    assert not X.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert not plain.image.requires_grad


def test_the_sampler_gives_its_grid_and_its_order_does_not_matter():
    world = mixture()
    one, two = (Reversible().value_and_grad(world, Sampler.from_grid(VP, order=order), X, Z, LOSS) for order in (1, 2))
    assert torch.equal(one.image, two.image)


def test_what_it_cannot_do_is_refused():
    for coupling in (0.0, -1.0, 1.01):
        with pytest.raises(ValueError, match=r"coupling must be in \(0, 1\]"):
            Reversible(coupling)
    sde = Sampler.from_grid(VP, sde=True)
    for call in (
        lambda: Reversible().value_and_grad(mixture(), sde, X, Z, LOSS),
        lambda: Reversible().sample(mixture(), sde, X, Z),
    ):
        with pytest.raises(NotImplementedError, match="which the N noises of an SDE take anyway"):
            call()
    with pytest.raises(ValueError, match="An ODE sampler has no noises"):
        Reversible().value_and_grad(mixture(), Sampler.from_grid(VP), X, Z, LOSS, wrt=("noises",))


def test_a_backward_pass_that_misses_x_t_is_an_error():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(60))
    with pytest.raises(FloatingPointError, match=r"backward pass misses x_T by .* use a coupling nearer to 1"):
        Reversible(0.3).value_and_grad(mixture(), sampler, X, Z, LOSS)
