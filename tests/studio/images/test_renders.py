"""Renders are recognised under another light, and photographs are not."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.likeness import changed, found_in, tensor_of
from clay.likeness.exposure import UNCHANGED, Render
from clay.likeness.guess import Reader
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.dataset import VALIDATION, scene
from clay.people.person import FACIAL_HAIR
from clay.rendering.render import render
from losses.faces import load_finder
from studio.images.renders import render_of
from tests.studio.images import portraits


def read(picture: Image.Image) -> Render | None:
    """By the detector's first face; it does not find every face of the split."""
    image = tensor_of(picture)
    face = load_finder().find(image)[0]
    return render_of(picture, face.square, Reader.from_folder().parse(image, face.points))


def relit(number: int, gain: tuple[float, float, float], gamma: float) -> Image.Image:
    values = (render(*scene(VALIDATION.first + number, 0), 128) / 255.0) ** gamma * gain
    picture = Image.fromarray(np.asarray(np.clip(values, 0, 1) * 255, dtype=np.uint8))
    return picture.resize((256, 256), Image.Resampling.BICUBIC)


def test_a_render_as_it_is_has_no_exposure() -> None:
    found = read(relit(3, (1, 1, 1), 1.0))
    assert found is not None
    assert found.exposure is UNCHANGED


def test_the_code_of_a_relit_render_shows_its_attributes() -> None:
    names = ("hair_colour", "glasses", "hat", "facial_hair")
    right = []
    for number in (3, 4, 5):
        found = read(relit(number, (0.82, 0.8, 0.78), 1.0))
        assert found is not None
        truth = dict(zip(ATTRIBUTES, true_classes(*scene(VALIDATION.first + number, 0)), strict=True))
        right += [int(found.attributes[name].argmax()) == truth[name] for name in names if truth[name] != HIDDEN]
    assert sum(right) >= len(right) - 1


@pytest.mark.parametrize(("gain", "gamma"), [((0.82, 0.8, 0.78), 1.0), ((1.1, 1.15, 1.2), 1.15)])
def test_the_exposure_of_a_relit_render_is_found(gain: tuple[float, float, float], gamma: float) -> None:
    skin, errors = torch.tensor([0.75, 0.55, 0.4]), []
    for number in (0, 3, 5, 7, 9, 11):
        render_found = read(relit(number, gain, gamma))
        assert render_found is not None
        found = render_found.exposure
        ratio = found.gain * skin**found.gamma / (torch.tensor(gain) * skin**gamma)
        errors.append(float(ratio.log().mean().abs()))
    assert np.median(errors) < 0.07  # the changes are 0.1 to 0.2


def test_most_renders_with_all_changes_are_recognised() -> None:
    found = []
    for number in (3, 4, 5, 7):
        image = render(*scene(VALIDATION.first + number, 0), 128)
        found.append(read(changed(image, np.random.default_rng(number))) is not None)
    assert sum(found) >= 3


def test_photographs_are_none() -> None:
    for image in (
        portraits.portrait(),
        portraits.lit(0.5, 0.7, 1.25),
        portraits.portrait().convert("L").convert("RGB"),
    ):
        assert read(image) is None


@pytest.mark.slow
def test_stubble_on_darker_skin_is_seen() -> None:
    reader, finder, stubble = Reader.from_folder(), load_finder(), FACIAL_HAIR.index("stubble")
    right: list[bool] = []
    for number in range(VALIDATION.first, VALIDATION.first + VALIDATION.identities):
        person, _ = scene(number, 0)
        if person.facial_hair != "stubble" or person.skin_tone not in ("brown", "dark") or len(right) == 10:
            continue
        found = found_in(number, 0, reader, finder, seed=0)
        if found is not None and found.render is not None:
            right.append(int(reader.read(found.face, found.render).attributes["facial_hair"].argmax()) == stubble)
    assert len(right) == 10
    assert sum(right) >= 8
