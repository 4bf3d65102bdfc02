import torch

from clay.likeness.frame import HALF
from clay.likeness.glasses import edges, glasses_likelihood
from clay.people.view import GLASSES

EYES = torch.tensor([[[140.0, 150.0], [190.0, 150.0]]])


def portrait(*dark):
    """Skin, with dark boxes (u, u, v, v) of the frame of the eyes."""
    image = torch.full((1, 3, 330, 330), 0.5)
    for left, right, top, bottom in dark:
        columns = slice(round(165 + 50 * left), round(165 + 50 * right))
        image[:, :, round(150 + 50 * top) : round(150 + 50 * bottom), columns] = -0.8
    return image


def kind(image, shift=0.0):
    return GLASSES[int(glasses_likelihood(edges(image, EYES), shift).argmax())]


def test_a_smooth_face_wears_no_glasses():
    assert HALF > 1
    assert kind(portrait()) == "none"


def test_rims_below_both_eyes_or_a_bridge_are_glasses():
    assert kind(portrait((-0.8, -0.2, 0.35, 0.42), (0.2, 0.8, 0.35, 0.42))) == "glasses"
    assert kind(portrait((-0.2, 0.2, -0.05, 0.03))) == "glasses"


def test_an_edge_across_the_bridge_does_not_count_in_profile():
    assert kind(portrait((-0.2, 0.2, -0.05, 0.03)), shift=0.5) == "none"


def test_dark_fields_around_both_eyes_are_sunglasses():
    assert kind(portrait((-0.85, -0.15, -0.3, 0.4), (0.15, 0.85, -0.3, 0.4))) == "sunglasses"
