import pytest
import torch

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Grid, LinearVP, Sampler
from adjointdeis.gradients.subgrid import SubgridAdjoint, x0_step
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, gaussian, mixture, normal, relative_error, squared_distance

X, Z, TARGET = normal(2, 2, 2, 3), normal(2, 4, seed=1), normal(2, 2, 2, 3, seed=2)
SAMPLERS = {
    "DDIM": {},
    "SDE-DPM-Solver-1": {"sde": True},
    "SDE-DPM-Solver++(1)": {"sde": True, "family": "data"},
    "DDIM, eta = 0.5": {"eta": 0.5},
}


def gradients(method, sampler, world=None, z=Z, wrt=("x_T", "z")):
    w = sampler.draw_noises(X, torch.Generator().manual_seed(8)) if sampler.sde else None
    return method.value_and_grad(world or mixture(), sampler, X, z, squared_distance(TARGET), w, wrt).grads


def cosine(a, b):
    return float(torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_with_all_steps_it_is_exact(name, prediction):
    grid = LinearVP().uniform_log_snr(7, end=0.05)
    sampler = Sampler.from_grid(grid, prediction_type=prediction, **SAMPLERS[name])
    wrt = ("x_T", "z", "theta") + (("noises",) if sampler.sde else ())
    model, z = Tangle(2, 4).double(), Scheduled(normal(7, 2, 4))
    found, exact = (gradients(method, sampler, model, z, wrt) for method in (SubgridAdjoint(7), DiscreteAdjoint()))
    for variable in wrt:
        pairs = [(found[variable], exact[variable])]
        if variable == "theta":
            pairs = [(found["theta"][key], grad) for key, grad in exact["theta"].items()]
        for a, b in pairs:
            assert relative_error(a, b) < 1e-12, variable


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_on_fewer_steps_it_is_ddims_own_gradient_at_the_samplers_states(steps):
    """Of an x0_hat whose Jacobian is the same everywhere, so that only the steps are compared."""
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(10, end=0.05), prediction_type="sample")
    linear = torch.nn.Linear(12, 12, bias=False).double()

    def model(t, x, z):
        return linear(x.flatten(1)).view_as(x) + z.sum()

    coarse = Sampler.from_grid(SubgridAdjoint(steps).grid(sampler), prediction_type="sample")
    found = SubgridAdjoint(steps).value_and_grad(model, sampler, X, Z, lambda image: image.sum((1, 2, 3))).grads
    exact = DiscreteAdjoint().value_and_grad(model, coarse, X, Z, lambda image: image.sum((1, 2, 3))).grads
    assert relative_error(found["x_T"], exact["x_T"]) < 1e-12
    assert relative_error(found["z"], exact["z"]) < 1e-12


def test_few_steps_suffice_where_the_cleaner_end_fails():
    """N = 40 on a grid even in t: AdjointDEIS-1 and -2M lose x_T's direction at M = 10 and z's at M = 5."""
    times = [1 - (1 - 1e-3) * i / 40 for i in range(41)]
    sampler = Sampler.from_grid(LinearVP().grid(times))
    exact = gradients(DiscreteAdjoint(), sampler)
    ours = {m: gradients(SubgridAdjoint(m), sampler) for m in (20, 10, 5)}
    for m, x_T, z in ((20, 0.9995, 0.9999), (10, 0.999, 0.9998), (5, 0.96, 0.997)):
        assert cosine(ours[m]["x_T"], exact["x_T"]) > x_T
        assert cosine(ours[m]["z"], exact["z"]) > z
    for order in (1, 2):
        assert cosine(gradients(ContinuousAdjoint(order, steps=10), sampler)["x_T"], exact["x_T"]) < 0.5
        theirs = gradients(ContinuousAdjoint(order, steps=5), sampler)
        assert cosine(theirs["z"], exact["z"]) < 0.1
        assert relative_error(theirs["x_T"], exact["x_T"]) > 100 > relative_error(ours[5]["x_T"], exact["x_T"])


def test_on_a_grid_that_is_denser_at_the_clean_end_five_of_forty_steps_suffice():
    times = [(1 - 0.97 * i / 40) ** 2 for i in range(41)]
    sampler = Sampler.from_grid(LinearVP().grid(times))
    exact, found = (gradients(method, sampler) for method in (DiscreteAdjoint(), SubgridAdjoint(5)))
    assert cosine(found["x_T"], exact["x_T"]) > 0.99
    assert cosine(found["z"], exact["z"]) > 0.99
    assert cosine(gradients(ContinuousAdjoint(1, steps=5), sampler)["x_T"], exact["x_T"]) < 0.9


@pytest.mark.parametrize("name", ["SDE-DPM-Solver-1", "SDE-DPM-Solver++(1)"])
def test_noises_and_scheduled_conditionings_between_the_nodes_get_their_share(name):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(48, end=0.05), **SAMPLERS[name])
    z = Scheduled(normal(1, 2, 4).expand(48, 2, 4))
    exact, found = (
        gradients(method, sampler, z=z, wrt=("x_T", "z", "noises"))
        for method in (DiscreteAdjoint(), SubgridAdjoint(16))
    )
    for i in range(48):
        assert cosine(found["noises"][i], exact["noises"][i]) > 0.97
        assert 0.6 < found["noises"][i].norm() / exact["noises"][i].norm() < 1.8
    assert cosine(found["noises"], exact["noises"]) > 0.97
    assert cosine(found["z"], exact["z"]) > 0.95
    assert cosine(found["x_T"], exact["x_T"]) > 0.98


@pytest.mark.parametrize("order", [1, 2])
def test_converges_to_the_samplers_gradient_as_the_steps_become_all(order):
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(240), order=order)
    exact = gradients(DiscreteAdjoint(), sampler, gaussian())
    errors = [relative_error(gradients(SubgridAdjoint(m), sampler, gaussian())["x_T"], exact["x_T"]) for m in (30, 60)]
    assert errors[1] < 0.6 * errors[0] < 0.6 * 0.2


def test_it_makes_as_many_calls_with_a_gradient_as_it_has_steps():
    calls = {False: 0, True: 0}

    def counting(t, x, z):
        calls[torch.is_grad_enabled()] += 1
        return mixture()(t, x, z)

    gradients(SubgridAdjoint(4), Sampler.from_grid(LinearVP().uniform_log_snr(13)), counting)
    assert calls == {False: 13, True: 4}


def test_pure_noise_at_the_start_and_no_noise_at_the_end_are_no_special_case():
    grid = Grid((1000, 700, 400, 0), (0.0, 0.3, 0.6, 1.0), (1.0, 0.7, 0.4, 0.0))
    sampler = Sampler.from_grid(grid, prediction_type="flow_prediction")
    model = Tangle(2, 4).double()
    exact, found, coarse = (
        gradients(m, sampler, model) for m in (DiscreteAdjoint(), SubgridAdjoint(3), SubgridAdjoint(1))
    )
    assert relative_error(found["x_T"], exact["x_T"]) < 1e-12
    assert coarse["x_T"].isfinite().all()
    assert x0_step(sampler, 2) == pytest.approx((0.0, 1.0))


def test_steps_out_of_range_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1; got 0"):
        SubgridAdjoint(0)
    with pytest.raises(ValueError, match=r"at most the sampler's 5 steps; got 6. DiscreteAdjoint is exact"):
        gradients(SubgridAdjoint(6), Sampler.from_grid(LinearVP().uniform_log_snr(5)))
