import pytest
import torch

from adjointdeis import DiscreteAdjoint, Grid, LinearVP, Sampler, sample
from adjointdeis.denoiser import check_prediction, to_eps, to_flow, to_x0
from tests.truth import Tangle, normal, squared_distance

ALPHA, SIGMA = 0.6, 0.8


def network_output(prediction, x0, eps, alpha, sigma):
    return {
        "epsilon": eps,
        "sample": x0,
        "v_prediction": alpha * eps - sigma * x0,
        "flow_prediction": eps - x0,
    }[prediction]


@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction", "flow_prediction"])
def test_image_and_noise_are_recovered_from_every_prediction(prediction):
    alpha, sigma = (0.3, 0.7) if prediction == "flow_prediction" else (ALPHA, SIGMA)
    x0, eps = normal(2, 3, seed=1), normal(2, 3, seed=2)
    x_t = alpha * x0 + sigma * eps
    output = network_output(prediction, x0, eps, alpha, sigma)
    for conversion, truth in ((to_x0, x0), (to_eps, eps), (to_flow, eps - x0)):
        a, b = conversion(prediction, alpha, sigma)
        assert (a * x_t + b * output - truth).abs().max() < 1e-14


def test_v_prediction_needs_no_division_at_the_ends():
    assert to_x0("v_prediction", 0.0, 1.0) == (0, -1)
    assert to_eps("v_prediction", 1.0, 0.0) == (0, 1)


def test_predictions_that_say_nothing_at_an_end_are_refused():
    with pytest.raises(ValueError, match="no x0_hat at alpha = 0"):
        to_x0("epsilon", 0.0, 1.0)
    with pytest.raises(ValueError, match="does not determine the noise at sigma = 0"):
        to_eps("sample", 1.0, 0.0)


def test_an_unknown_prediction_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="epsilon, sample, v_prediction, flow_prediction; got 'score'"):
        check_prediction("score")


VP = LinearVP().uniform_log_snr(5, end=0.02)
FLOW = Grid((0.9, 0.6, 0.3, 0.1), (0.1, 0.4, 0.7, 0.9), (0.9, 0.6, 0.3, 0.1))
SAMPLERS = {
    "DDIM": {},
    "2M": {"order": 2},
    "++(2M)": {"order": 2, "family": "data"},
    "UniPC-2": {"order": 2, "family": "data", "multistep": "unipc-bh2"},
    "SDE++(2M)": {"order": 2, "family": "data", "sde": True},
}


@pytest.mark.parametrize("name", [*SAMPLERS, "Adams-Bashforth"])
@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction", "flow_prediction"])
def test_the_gradient_equals_central_differences_for_every_prediction(prediction, name):
    """In float64, along random directions of x_T and z."""
    grid = FLOW if prediction == "flow_prediction" or name == "Adams-Bashforth" else VP
    if name == "Adams-Bashforth" and prediction == "v_prediction":
        pytest.skip("v belongs to variance-preserving schedules")
    arguments = {"order": 2, "family": "flow"} if name == "Adams-Bashforth" else SAMPLERS[name]
    sampler = Sampler.from_grid(grid, prediction_type=prediction, **arguments)
    model, x, z = Tangle(2, 3).double().requires_grad_(False), normal(2, 2, 3, 2), normal(2, 3, seed=1)
    w = sampler.draw_noises(x, torch.Generator().manual_seed(8)) if sampler.sde else None
    loss_fn = squared_distance(normal(2, 2, 3, 2, seed=2))
    grads = DiscreteAdjoint().value_and_grad(model, sampler, x, z, loss_fn, w).grads

    def loss(x, z):
        *_, image = sample(model, sampler, x, z, w)
        return float(loss_fn(image).sum())

    for seed in range(3):
        u, v, h = normal(*x.shape, seed=10 + seed), normal(*z.shape, seed=20 + seed), 1e-5
        numeric = (loss(x + h * u, z + h * v) - loss(x - h * u, z - h * v)) / (2 * h)
        found = float((grads["x_T"] * u).sum() + (grads["z"] * v).sum())
        assert found == pytest.approx(numeric, rel=1e-7)
