"""The exposure of a render, found from the colours of its background and clothes."""

import numpy as np
import pytest
import torch

from clay.likeness.exposure import UNCHANGED, Exposure, exposures
from clay.people.dataset import VALIDATION, scene
from clay.people.view import SEGMENTS
from clay.rendering.render import render
from clay.rendering.segments import segments


def colours(number: int, change: Exposure) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Median colours of background and clothes of a validation render with changed colours."""
    person, view = scene(VALIDATION.first + number, 0)
    image = torch.from_numpy(render(person, view, 64)).float() / 255
    changed = (change.gain * image**change.gamma).clamp(0, 1)
    marks = torch.from_numpy(segments(person, view, 64))
    behind, worn = (changed[marks == SEGMENTS.index(name)] for name in ("background", "clothes"))
    return behind.median(0).values, worn.median(0).values if len(worn) else None


@pytest.mark.parametrize(
    "change",
    [
        UNCHANGED,
        Exposure(torch.tensor([0.85, 0.82, 0.8]), 1.0),
        Exposure(torch.tensor([1.1, 1.15, 1.1]), 1.1),
        Exposure(torch.tensor([0.95, 0.9, 1.0]), 0.88),
    ],
)
@pytest.mark.slow
def test_the_likeliest_exposure_is_mostly_the_true_one(change: Exposure) -> None:
    """Compared at the colours of skin; two backgrounds can be alike under two exposures."""
    skin, errors = torch.tensor([0.75, 0.55, 0.4]), []
    for number in range(15):
        _, found = exposures(*colours(number, change))[0]
        ratio = (found.gain * skin**found.gamma) / (change.gain * skin**change.gamma)
        errors.append(float(ratio.log().mean().abs()))
    assert np.median(errors) < 0.04
    assert np.quantile(errors, 0.7) < 0.08


def test_the_likeliest_comes_first_and_every_background_once() -> None:
    found = exposures(*colours(3, UNCHANGED))
    assert len(found) == 8
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)


def test_without_clothes_and_with_clipped_colours_there_is_an_answer() -> None:
    assert len(exposures(torch.tensor([1.0, 0.8, 0.6]), None)) == 8
    grey = torch.linspace(-1, 1, 27).view(1, 3, 3, 3)
    for background, clothes in ((1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.98, 0.98)):
        for _, one in exposures(torch.full((3,), background), torch.full((3,), clothes)):
            assert one.gamma > 0
            assert one.undone(grey).isfinite().all()


def test_an_exposure_is_undone() -> None:
    change = Exposure(torch.tensor([0.9, 1.0, 0.8]), 1.2)
    image = torch.rand(2, 3, 8, 8) * 0.9 + 0.05
    changed = change.gain.view(1, 3, 1, 1) * image**change.gamma
    assert torch.allclose((change.undone(changed * 2 - 1) + 1) / 2, image, atol=1e-5)
