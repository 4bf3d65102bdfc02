import math

import torch

from clay.likeness.frame import HALF, SIZE, eye_frame, reduced


def photo(size=200):
    y, x = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    return torch.stack([x, y, 0 * x])[None]


def test_the_eyes_lie_at_one_half_to_the_left_and_right_of_the_middle():
    eyes = torch.tensor([[[80.0, 90.0], [120.0, 90.0]]])
    crop = eye_frame(photo(), eyes)
    assert crop.shape == (1, 3, SIZE, SIZE)
    for u, x in ((-0.5, 80.5), (0.5, 120.5)):
        column = (u / HALF + 1) / 2 * SIZE - 0.5
        k = int(column)
        value = crop[0, 0, SIZE // 2, k] + (column - k) * (crop[0, 0, SIZE // 2, k + 1] - crop[0, 0, SIZE // 2, k])
        assert abs(float(value) - (x - 0.5) / 200) < 1e-3


def test_a_tilted_face_is_turned_upright():
    turn = math.radians(25)
    half = torch.tensor([math.cos(turn), math.sin(turn)]) * 20
    eyes = torch.stack([100 - half, 100 + half])[None]
    crop = eye_frame(photo(), eyes)
    along = crop[0, :2, SIZE // 2, -1] - crop[0, :2, SIZE // 2, 0]
    assert abs(float(torch.atan2(along[1], along[0])) - turn) < 1e-3


def test_outside_of_the_image_its_edge_is_repeated():
    crop = eye_frame(photo(), torch.tensor([[[5.0, 5.0], [45.0, 5.0]]]))
    assert float(crop[0, 1, 0].max()) == 0.0


def test_a_large_image_is_reduced_and_shows_the_same():
    image = photo(800)
    eyes = torch.tensor([[[300.0, 380.0], [500.0, 380.0]]])
    small, moved = reduced(image, eyes)
    assert small.shape[-1] < 200
    assert torch.allclose(eye_frame(small, moved), eye_frame(image, eyes), atol=0.02)
