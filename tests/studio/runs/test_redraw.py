from dataclasses import replace

import pytest
import torch

from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.interpolation import Code
from studio.runs.redraw import Redraw, RedrawBetween, redraw_for

SIDE = 12


def decode(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The left half of the image has the value z, the right half none."""
    mean = torch.zeros(len(z), 3, SIDE, SIDE)
    mean[..., : SIDE // 2] = z[:, :1, None, None]
    return mean, torch.full_like(mean[:, :1], 0.1)


def noises(seed: int = 0) -> torch.Tensor:
    return torch.randn(3, 1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


Z, W = torch.zeros(1, 4), noises()
START = Code(Z, W[0], W)


def moved(z: torch.Tensor, w: torch.Tensor = W) -> tuple[torch.Tensor, torch.Tensor]:
    redraw = Redraw(decode, 7, 4.0)
    found = redraw.projection(START)({"z": Z, "noises": W}, {"z": z, "noises": w})
    return found["noises"], redraw.unchanged


def test_the_noises_of_the_start_stay_while_the_predicted_image_is_within_its_spread() -> None:
    found, unchanged = moved(Z + 0.09)
    torch.testing.assert_close(found, W)
    assert (unchanged == 1).all()


def test_noise_is_new_where_the_predicted_image_has_changed_and_only_there() -> None:
    found, unchanged = moved(Z + 1)
    left, right = slice(0, SIDE // 2 - 3), slice(SIDE // 2 + 4, SIDE)
    assert (unchanged[..., left] == 0).all()
    assert (unchanged[..., right] == 1).all()
    assert not torch.isclose(found[..., left], W[..., left]).any()
    torch.testing.assert_close(found[..., right], W[..., right])


def test_the_variance_is_that_of_noise_half_way() -> None:
    found, unchanged = moved(Z + 0.3)
    half = unchanged[0, 0, 0, 0]
    assert 0.3 < half < 0.7
    assert found[..., :3].std().item() == pytest.approx(1, abs=0.1)


def test_what_the_optimiser_added_is_kept() -> None:
    found, _ = moved(Z + 1, W + 0.25)
    torch.testing.assert_close(found, moved(Z + 1)[0] + 0.25)


def test_a_step_from_any_code_gives_the_noises_of_the_code_after_it() -> None:
    redraw = Redraw(decode, 7, 4.0)
    project = redraw.projection(START)
    first = project({"z": Z, "noises": W}, {"z": Z + 0.3, "noises": W})["noises"]
    again = project({"z": Z + 0.3, "noises": first}, {"z": Z, "noises": first})["noises"]
    torch.testing.assert_close(again, W)


def test_what_earlier_edits_added_stays_where_their_image_stays_and_only_there() -> None:
    redraw, own = Redraw(decode, 7, 4.0), 0.25 * noises(3)
    reached = Code(Z + 1, W[0], moved(Z + 1)[0] + own)
    project = redraw.projection(START, reached)
    assert (redraw.unchanged[..., 0] == 0).all()
    now = {"z": reached.z, "noises": reached.noises}
    torch.testing.assert_close(project(now, now)["noises"], reached.noises)
    found = project(now, {**now, "z": Z - 1})["noises"] - moved(Z - 1)[0]
    left, right = slice(0, SIDE // 2 - 3), slice(SIDE // 2 + 4, SIDE)
    torch.testing.assert_close(found[..., left], torch.zeros_like(found[..., left]))
    torch.testing.assert_close(found[..., right], own[..., right])
    back = project({"z": Z - 1, "noises": moved(Z - 1)[0] + found}, {"z": Z + 1, "noises": moved(Z - 1)[0] + found})
    torch.testing.assert_close(back["noises"], reached.noises)


def between(z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a morph of two people whose left halves are 0 and 2."""
    redraw = RedrawBetween(decode, 7, 4.0, START, Code(Z + 2, W[0], noises(1)))
    begin = Code(Z + 1, W[0], noises(2))
    found = redraw.projection(begin)({"z": Z + 1, "noises": noises(2)}, {"z": z, "noises": noises(2) + 0.25})
    return found["noises"] - 0.25, redraw.unchanged


def test_a_morph_has_the_details_of_the_person_whose_image_is_predicted() -> None:
    left, right = slice(0, SIDE // 2 - 3), slice(SIDE // 2 + 4, SIDE)
    for z, own in ((Z, W), (Z + 2, noises(1))):
        found, _ = between(z)
        torch.testing.assert_close(found[..., left], own[..., left], atol=1e-5, rtol=0)
        both = (W + noises(1)) / 2**0.5
        torch.testing.assert_close(found[..., right], both[..., right], atol=1e-5, rtol=0)


def test_a_morph_has_new_noise_where_neither_image_is_predicted() -> None:
    found, unchanged = between(Z + 1)
    left = slice(0, SIDE // 2 - 3)
    assert (unchanged[..., left] == 0).all()
    for own in (W, noises(1), noises(2)):
        assert not torch.isclose(found[..., left], own[..., left]).any()
    assert found.std().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("values", [{"loss": "clip_text"}, {"mode": "ode"}, {"variables": "z"}, {"variables": "noise"}])
def test_other_goals_and_other_variables_have_none(model: Model, values: dict[str, str]) -> None:
    whole = replace(model, decode_code=decode)
    asked = {"loss": "edit", "prompt": "a hat"}
    assert redraw_for(whole, Settings(**asked)) is not None
    assert redraw_for(whole, Settings(**{**asked, **values})) is None
    assert redraw_for(model, Settings(**asked)) is None
