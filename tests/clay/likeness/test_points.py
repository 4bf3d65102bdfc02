import math

import pytest
import torch

from clay.likeness.points import LIMIT, eyes_of, in_eye_frame, shape_of
from clay.people.view import EXPRESSIONS


def face(mouth_width=0.83, curve=0.01, gap=0.02, shift=0.0, tip=0.6):
    """68 landmarks of a face of average shape, in units of the distance between the eyes."""
    q = torch.zeros(68, 2)
    for k in range(17):  # jaw
        a = math.pi * (1 - k / 16)
        q[k] = torch.tensor([1.15 * math.cos(a), 0.1 + 1.72 * math.sin(a)])
    for first, side in ((17, -1), (22, 1)):
        for k in range(5):
            q[first + k] = torch.tensor([side * 0.5 + 0.15 * (k - 2), -0.27 - 0.05 * (2 - abs(k - 2))])
    q[27:36, 1] = torch.linspace(0.0, 0.75, 9)
    q[30] = torch.tensor([shift, tip])
    q[31], q[35] = torch.tensor([-0.195, 0.75]), torch.tensor([0.195, 0.75])
    for first, side in ((36, -1), (42, 1)):
        ring = [(-0.2, 0), (-0.08, -0.056), (0.08, -0.056), (0.2, 0), (0.08, 0.056), (-0.08, 0.056)]
        q[first : first + 6] = torch.tensor(ring) + torch.tensor([side * 0.5, 0.0])
    middle = 1.08
    q[48:68] = torch.tensor([0.0, middle])
    q[48], q[54] = (torch.tensor([side * mouth_width / 2, middle - curve]) for side in (-1, 1))
    q[62, 1], q[66, 1] = middle - gap / 2, middle + gap / 2
    q[51, 1], q[57, 1] = q[62, 1] - 0.105, q[66, 1] + 0.105
    return q * 40 + 100


def most_likely(shape):
    return EXPRESSIONS[int(shape.expression.argmax())]


def test_the_frame_of_the_eyes_undoes_position_size_and_tilt():
    points = face()
    turn = math.radians(20)
    matrix = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    moved = 2.5 * (points @ matrix) + 7
    assert torch.allclose(in_eye_frame(points), in_eye_frame(moved), atol=1e-5)
    assert eyes_of(points)[0, 0] < eyes_of(points)[1, 0]


def test_an_average_face_has_traits_near_zero_and_looks_neutral():
    shape = shape_of(face())
    assert most_likely(shape) == "neutral"
    assert abs(shape.yaw) < 1e-3
    assert abs(shape.pitch) < 1e-3
    assert all(abs(value) <= LIMIT for value in shape.traits.values())
    assert abs(shape.traits["nose_width"]) < 0.1
    assert abs(shape.traits["eye_size"]) < 0.1


@pytest.mark.parametrize(
    ("mouth", "expression"),
    [
        ({"mouth_width": 1.0, "curve": 0.09, "gap": 0.03}, "smiling"),
        ({"mouth_width": 1.1, "curve": 0.09, "gap": 0.24}, "laughing"),
        ({"mouth_width": 0.8, "curve": 0.0, "gap": 0.4}, "surprised"),
        ({"mouth_width": 0.8, "curve": -0.16, "gap": 0.01}, "sad"),
    ],
)
def test_the_mouth_tells_the_expression(mouth, expression):
    assert most_likely(shape_of(face(**mouth))) == expression


def test_the_nose_tells_the_pose():
    assert shape_of(face(shift=0.2)).yaw > 0.2
    assert shape_of(face(shift=-0.2)).yaw < -0.2
    assert shape_of(face(tip=0.8)).pitch > 0.1
    assert not shape_of(face(shift=0.2)).profile
    assert shape_of(face(shift=0.5)).profile


def test_a_head_tilted_to_the_right_of_the_image_has_a_negative_roll():
    turn = math.radians(8)  # clockwise in the image
    matrix = torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    assert shape_of(face() @ matrix).roll == pytest.approx(-turn, abs=1e-4)
