import numpy as np
import pytest
import torch
from PIL import Image

from losses.faces import load_face_network
from studio.images.load import to_tensor
from studio.models.embedded import examples
from studio.models.face_parts import PARTS, drawn, face_parts

SIDE = 256


@pytest.fixture(scope="module")
def shown() -> torch.Tensor:
    path = next(path for path in examples() if "2-black-hair" in path.name)
    return to_tensor(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def parts(shown: torch.Tensor) -> dict[str, np.ndarray]:
    return {name: mask[0, 0].numpy() for name, mask in face_parts(load_face_network())(shown).items()}


def test_a_face_has_all_parts_and_no_pixel_of_the_face_is_background(parts: dict[str, np.ndarray]) -> None:
    assert tuple(parts) == PARTS
    assert all(0.002 < mask.mean() < 0.8 for mask in parts.values())
    face = parts["eyes"] + parts["nose"] + parts["mouth"] + parts["skin"] + parts["jaw"]
    assert not (face * parts["background"]).any()
    assert parts["background"][[0, 0], [0, -1]].all()


def test_hair_is_above_eyes_and_eyes_above_mouth(parts: dict[str, np.ndarray]) -> None:
    rows = {name: (mask.sum(1) * np.arange(SIDE)).sum() / mask.sum() for name, mask in parts.items()}
    assert rows["hair"] < rows["eyes"] < rows["nose"] < rows["mouth"]


def test_a_picture_without_a_face_has_no_parts() -> None:
    assert face_parts(load_face_network())(torch.zeros(1, 3, 64, 64)) == {}


def test_a_face_that_extends_beyond_the_picture_has_masks_of_its_size() -> None:
    points = np.random.default_rng(0).uniform(-40, 90, (68, 2))
    assert {mask.shape for mask in drawn(points, 50, 30).values()} == {(30, 50)}
