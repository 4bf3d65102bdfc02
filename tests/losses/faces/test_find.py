import pytest
import torch

from losses.faces import NoFaceFound
from losses.faces.find import Face
from losses.faces.pixels import pad_to_square, resize_corners
from tests.losses.faces.pictures import as_image, clay, whole_pixels


def test_one_pass_finds_the_faces_that_the_package_finds(network, shown, recorded):
    for name in ("group", "4-red-beard"):
        theirs = recorded[name]["faces"]["416"]
        ours = network.finder.detect(as_image(shown[name]), 416)
        assert len(ours) == len(theirs) > 0
        for face, expected in zip(ours, theirs, strict=True):
            assert (face.points - torch.tensor(expected["points"])).abs().max() < 0.01


def test_detection_crop_and_recognition_give_the_packages_embedding(network, shown, recorded):
    image = as_image(shown["group"])
    for face, expected in zip(network.finder.detect(image, 416), recorded["group"]["faces"]["416"], strict=True):
        square = whole_pixels(face.points)
        left, top = (int(value) for value in square.corners()[0])
        part = image[..., top : top + int(square.side), left : left + int(square.side)]
        ours = network.recognition(resize_corners(pad_to_square(part, centre=True), 150))[0]
        assert (ours - torch.tensor(expected["descriptor"])).abs().max() < 1e-5


def test_faces_of_a_group_come_largest_first(network, shown):
    found = network.faces(as_image(shown["group"]))
    assert len(found) >= 2
    assert [f.area for f in found] == sorted((f.area for f in found), reverse=True)
    assert 180 < found[0].square.x < 436  # the woman in the middle


def test_a_face_that_fills_the_image_is_found_with_a_frame(network, face):
    assert not network.finder.detect(face, 416)
    (found,) = network.faces(face)
    assert 90 < found.square.x < 160
    assert 120 < found.square.y < 190
    assert 100 < found.square.side < 200


@pytest.mark.slow
def test_the_points_of_a_face_lie_about_it(network, face):
    found = network.finder.largest(face)
    eyes, mouth, chin = found.points[36:48, 1].mean(), found.points[48:68, 1].mean(), found.points[8, 1]
    assert eyes < mouth < chin


def test_upside_down_detections_are_dropped(network):
    for found in network.faces(as_image(clay("3-blonde-curls"))):
        assert abs(found.square.turn) < 1.4


@pytest.mark.parametrize("name", ["waves", "noise"])
@pytest.mark.slow
def test_an_image_without_a_face_raises_a_readable_error(network, shown, name):
    image = as_image(shown[name])
    assert network.faces(image) == []
    with pytest.raises(NoFaceFound, match=r"^No face was found in this picture: [^.]+\.$"):
        network.finder.largest(image)


def test_an_area_is_that_of_the_box():
    assert Face((1, 2, 4, 6), 0.9, torch.zeros(68, 2)).area == 12


def test_images_are_passed_one_at_a_time(network, face):
    with pytest.raises(ValueError, match="one image at a time"):
        network.finder.detect(face.repeat(2, 1, 1, 1))
