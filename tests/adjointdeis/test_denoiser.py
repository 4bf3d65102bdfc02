import pytest

from adjointdeis.denoiser import check_prediction, to_eps, to_x0
from tests.truth import normal

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
    for conversion, truth in ((to_x0, x0), (to_eps, eps)):
        a, b = conversion(prediction, alpha, sigma)
        assert (a * x_t + b * output - truth).abs().max() < 1e-14


def test_v_prediction_needs_no_division_at_the_ends():
    assert to_x0("v_prediction", 0.0, 1.0) == (0, -1)
    assert to_eps("v_prediction", 1.0, 0.0) == (0, 1)


def test_predictions_that_say_nothing_at_an_end_are_refused():
    with pytest.raises(ValueError, match="nothing about the image at alpha = 0"):
        to_x0("epsilon", 0.0, 1.0)
    with pytest.raises(ValueError, match="nothing about the noise at sigma = 0"):
        to_eps("sample", 1.0, 0.0)


def test_an_unknown_prediction_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="epsilon, sample, v_prediction, flow_prediction; got 'score'"):
        check_prediction("score")
