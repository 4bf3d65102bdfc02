import pytest
import torch

from clay.likeness.light import CLEAR, exposed, white_balanced
from clay.people.view import SEGMENTS

SKIN = torch.zeros(1, len(SEGMENTS), 48, 48)
SKIN[:, SEGMENTS.index("skin")] = 1


def face(*colour):
    return (torch.tensor(colour).view(1, 3, 1, 1) * 2 - 1).expand(1, 3, 96, 96)


def test_faces_of_every_skin_tone_in_daylight_are_left_alone():
    for colour in ((0.89, 0.74, 0.62), (0.78, 0.56, 0.44), (0.55, 0.36, 0.26), (0.3, 0.19, 0.14)):
        crop, light = white_balanced(face(*colour), SKIN)
        assert light == CLEAR
        assert torch.equal(crop, face(*colour))


def test_a_face_in_coloured_light_is_corrected_until_its_skin_is_possible():
    crop, light = white_balanced(face(0.35, 0.45, 0.9), SKIN)
    assert light.corrected
    red, green, blue = ((crop[0, :, 0, 0] + 1) / 2).tolist()
    assert red > green > blue


def test_a_picture_without_colours_is_recognised():
    crop, light = white_balanced(face(0.5, 0.5, 0.5), SKIN)
    assert light.grey
    assert not light.corrected
    assert torch.equal(crop, face(0.5, 0.5, 0.5))


def test_a_photograph_without_bright_places_is_brightened():
    crop = face(0.3, 0.2, 0.15)
    same, dim = exposed(crop, face(0.9, 0.9, 0.9))
    assert torch.equal(same, crop)
    assert not dim
    gain = (0.88 / 0.6) ** 0.5
    brighter, dim = exposed(crop, face(0.6, 0.6, 0.6))
    assert ((brighter + 1) / 2)[0, :, 0, 0].tolist() == pytest.approx([0.3 * gain, 0.2 * gain, 0.15 * gain])
    assert dim
    assert float(exposed(crop, face(0.1, 0.1, 0.1))[0].max() + 1) / 2 == pytest.approx(0.3 * 1.4)
