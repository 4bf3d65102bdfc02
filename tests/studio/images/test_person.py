from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from losses.faces import Face, load_finder
from studio.images.load import to_tensor
from studio.images.person import is_face, person_of
from tests.losses.faces.pictures import clay
from tests.studio.images.portraits import portrait

FINDER = load_finder()


def found(image: Image.Image) -> tuple[torch.Tensor, Face]:
    pixels = to_tensor(image)
    return pixels, FINDER.largest(pixels)


def test_a_person_is_seen_where_the_face_is_and_not_beside_the_shoulders() -> None:
    pixels, face = found(portrait())
    person = person_of(pixels, face.points)[0, 0]
    middle = len(person) // 2
    assert person[middle - 20 : middle + 20, middle - 20 : middle + 20].min() > 0.9
    assert person[:10, :10].max() < 0.1


@pytest.mark.parametrize(
    "image", [portrait(), portrait().convert("L").convert("RGB"), Image.fromarray(clay("6-glasses"))]
)
def test_faces_of_people_and_of_clay_are_faces(image: Image.Image) -> None:
    pixels, face = found(image)
    assert is_face(FINDER, pixels, face)


@pytest.mark.parametrize("image", [data.page(), data.coins()])
def test_landmarks_on_anything_else_are_no_face(image: np.ndarray) -> None:
    _, face = found(portrait())
    pixels = to_tensor(Image.fromarray(image).convert("RGB").resize((360, 360)))
    assert not is_face(FINDER, pixels, face)


def test_what_no_silhouette_shows_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, face = found(portrait())
    monkeypatch.setattr("studio.images.person.person_of", lambda *_: torch.zeros(1, 1, 64, 64))
    assert FINDER.again(pixels, face) > 0.9
    assert is_face(FINDER, pixels, face)
    width = face.box[2] - face.box[0]
    away = replace(face, box=(face.box[0], face.box[1] + 2.5 * width, face.box[2], face.box[3] + 2.5 * width))
    assert FINDER.again(pixels, away) < 0.3
    assert not is_face(FINDER, pixels, away)
