import pytest
from PIL import Image

from studio.images.domain import LIMIT, DomainCheck
from studio.ui.steer import photo_html

GREY = Image.new("RGB", (64, 64), "grey")


@pytest.mark.parametrize(
    ("number", "kept", "sentence"),
    [
        (1, False, "Found one face; the crop was set to it."),
        (3, False, "Found 3 faces; the crop was set to the largest."),
        (1, True, "Found one face. Your crop is unchanged; choose a face to crop to it."),
    ],
)
def test_faces_are_counted_and_what_became_of_the_crop_is_said(number: int, kept: bool, sentence: str) -> None:
    assert photo_html.found(number, kept=kept) == sentence


def test_a_known_picture_needs_no_word() -> None:
    assert photo_html.outside(DomainCheck(GREY, LIMIT), GREY) == ""


@pytest.mark.parametrize(("strangeness", "score"), [(2.34, "is 2.3;"), (10.04, "is 10;")])
def test_a_strange_one_is_measured_and_shown_beside_what_the_model_holds(strangeness: float, score: str) -> None:
    text = photo_html.outside(DomainCheck(GREY, strangeness), GREY)
    assert score in text
    assert text.count("<img") == 2
    assert "your crop" in text
