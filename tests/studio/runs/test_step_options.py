import math

import pytest
import torch

from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.runs.step_options import step_options

START = {"x_T": torch.zeros(1, 3, 4, 4), "z": torch.zeros(1, 9), "noises": torch.zeros(5, 1, 3, 4, 4)}


def test_a_normalised_rate_is_the_root_mean_square_change_of_an_entry() -> None:
    optimizer, rates, wrt, rules = step_options(Settings(loss="clip_text", z_rate=0.1, noise_rate=0.02), START)
    assert wrt == ("noises", "z")
    assert rules.normalize
    assert callable(optimizer)
    for name, rate in (("z", 0.1), ("noises", 0.02)):
        v = START[name].clone().requires_grad_()
        gradient = torch.randn(v.shape, generator=torch.Generator().manual_seed(0))
        v.grad = gradient / gradient.norm()
        optimizer([{"params": [v], "lr": rates[name]}]).step()
        assert v.detach().square().mean().sqrt().item() == pytest.approx(rate, rel=1e-5)


def test_later_steps_average_the_directions_so_far() -> None:
    optimizer, rates, *_ = step_options(Settings(loss="clip_text", variables="z", z_rate=1.0), START)
    assert callable(optimizer)
    v = torch.zeros(1, 9, requires_grad=True)
    steps = optimizer([{"params": [v], "lr": rates["z"]}])
    first, second = torch.eye(9)[:1], torch.eye(9)[1:2]
    v.grad = first
    steps.step()
    v.grad = second
    steps.step()
    expected = -math.sqrt(9) * (first + 0.6 * first + 0.4 * second)
    torch.testing.assert_close(v.detach(), expected)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_the_others_are_torchs_own_at_the_rates_as_they_are(name: str) -> None:
    optimizer, rates, _, rules = step_options(Settings(optimiser=name, z_rate=0.1, noise_rate=0.02), START)
    assert (optimizer, rates) == (name, {"noises": 0.02, "z": 0.1})
    assert not rules.normalize


@pytest.mark.parametrize(("chosen", "moving"), [("both", ("x_T", "z")), ("z", ("z",)), ("noise", ("x_T",))])
def test_what_moves_is_what_was_chosen(chosen: str, moving: tuple[str, ...]) -> None:
    assert step_options(Settings(mode="ode", variables=chosen), START).wrt == moving


def test_a_model_without_z_moves_the_noise_alone() -> None:
    bare = {**START, "z": None}
    assert step_options(Settings(), bare).wrt == ("noises",)
    with pytest.raises(UserError, match="no code z to move"):
        step_options(Settings(variables="z"), bare)


def test_a_goal_with_lengths_shortens_long_gradients_and_leaves_short_ones() -> None:
    optimizer, rates, _, rules = step_options(Settings(loss="edit", prompt="a hat", z_rate=0.1), START)
    assert not rules.normalize
    assert rules.clip == {"noises": 0.3, "z": 1.0}
    assert callable(optimizer)
    # a gradient of the longest length makes a step of the rate, a shorter one a step that is as much shorter
    for name, rate in (("z", 0.1), ("noises", 0.01)):
        for share in (1.0, 0.25):
            v = START[name].clone().requires_grad_()
            gradient = torch.randn(v.shape, generator=torch.Generator().manual_seed(0))
            v.grad = share * rules.clip[name] * gradient / gradient.norm()
            optimizer([{"params": [v], "lr": rates[name]}]).step()
            assert v.detach().square().mean().sqrt().item() == pytest.approx(share * rate, rel=1e-5)
