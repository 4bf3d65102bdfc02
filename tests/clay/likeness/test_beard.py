import torch

from clay.likeness.beard import beard_likelihood, darkness, has_grey_beard
from clay.likeness.frame import HALF, SIZE
from clay.likeness.points import in_eye_frame
from clay.people.person import FACIAL_HAIR
from clay.people.view import SEGMENTS
from tests.clay.likeness.test_points import face

Q = in_eye_frame(face())


def crop(*dark):
    """Skin, with dark boxes (u, u, v, v) of the frame."""
    image = torch.full((1, 3, SIZE, SIZE), 0.6)
    for box in dark:
        left, right, top, bottom = (round((one / HALF + 1) / 2 * SIZE) for one in box)
        image[:, :, top:bottom, left:right] = -0.8
    return image


def kind(image):
    return FACIAL_HAIR[int(beard_likelihood(darkness(image, Q)).argmax())]


def test_even_skin_has_no_beard():
    assert darkness(crop(), Q).abs().max() < 1e-5
    assert kind(crop()) == "none"


def test_a_dark_lip_is_a_moustache_and_a_dark_lower_face_a_beard():
    assert kind(crop((-0.5, 0.5, 0.78, 1.0))) == "moustache"
    assert kind(crop((-1.2, 1.2, 0.8, 2.0))) == "beard"


def test_a_shadow_on_one_side_of_the_face_is_no_beard():
    assert kind(crop((0.0, 1.3, 0.3, 2.0))) == "none"


def painted(beard, colour):
    """Segments of a face with a beard of this part of the crop, and a crop in which it has this colour."""
    segments = torch.zeros(1, len(SEGMENTS), SIZE // 2, SIZE // 2)
    segments[:, SEGMENTS.index("skin"), 10:] = 1
    below = slice(SIZE // 2 - beard, None)
    segments[:, SEGMENTS.index("skin"), below] = 0
    segments[:, SEGMENTS.index("beard"), below] = 1
    image = torch.tensor([0.8, 0.6, 0.45]).view(1, 3, 1, 1).expand(1, 3, SIZE, SIZE).clone()
    image[:, :, 2 * below.start :] = torch.tensor(colour).view(1, 3, 1, 1)
    return image * 2 - 1, segments


def test_a_large_beard_without_the_colour_of_skin_is_grey():
    assert has_grey_beard(*painted(6, (0.7, 0.68, 0.66)))
    assert not has_grey_beard(*painted(1, (0.7, 0.68, 0.66)))
    assert not has_grey_beard(*painted(6, (0.4, 0.3, 0.22)))
