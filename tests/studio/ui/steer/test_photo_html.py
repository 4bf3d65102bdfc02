import pytest
from PIL import Image

from studio.models.domain import LIMIT, DomainCheck
from studio.ui.steer import photo_html

GREY = Image.new("RGB", (64, 64), "grey")


@pytest.mark.parametrize(
    ("number", "kept", "sentence"),
    [
        (1, False, "Found one face; the crop was set to it."),
        (3, False, "Found 3 faces; the crop was set to the largest."),
        (1, True, "Found one face. The crop that you set is kept; choose a face to have it set to that."),
    ],
)
def test_faces_are_counted_and_what_became_of_the_crop_is_said(number: int, kept: bool, sentence: str) -> None:
    assert photo_html.found(number, kept=kept) == sentence


def test_a_known_picture_needs_no_word() -> None:
    assert photo_html.outside(DomainCheck(GREY, LIMIT), GREY) == ""


@pytest.mark.parametrize(("strangeness", "said"), [(2.34, "2.3 times"), (10.04, "10 times")])
def test_a_strange_one_is_measured_and_shown_beside_what_the_model_holds(strangeness: float, said: str) -> None:
    told = photo_html.outside(DomainCheck(GREY, strangeness), GREY)
    assert said in told
    assert told.count("<img") == 2
    assert "your crop" in told
