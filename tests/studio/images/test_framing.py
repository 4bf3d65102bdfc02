import math

import pytest
from PIL import Image, ImageDraw

from losses.faces import Square
from studio.images.crop import Crop, crop_image
from studio.images.framing import ALIGNED, CLAY, Framing, crop_of, face_square, is_similar, rounded, square_of


def far(a: Square, b: Square) -> float:
    """The largest distance of two squares' corners, in pixels."""
    return max(math.dist(p, q) for p, q in zip(a.corners(), b.corners(), strict=True))


@pytest.mark.parametrize("size", [(4000, 3000), (300, 1000), (512, 512)])
def test_square_to_crop_and_back_moves_corners_by_at_most_half_a_pixel(size: tuple[int, int]) -> None:
    width, height = size
    for share in (0.15, 0.4, 0.9):
        side = round(share * min(size))
        for turn in (0.0, 0.3, -0.7):
            wanted = Square(0.5 * side + 0.7 * (width - side), 0.5 * side + 0.2 * (height - side), side, turn)
            again = square_of(crop_of(wanted, width, height), width, height)
            assert far(wanted, again) < 0.5 * math.sqrt(2) + 0.5
            assert max(abs(wanted.x - again.x), abs(wanted.y - again.y), abs(wanted.side - again.side)) <= 0.5


@pytest.mark.parametrize("crop", [Crop(), Crop(2.5, -0.3, 0.8, 12.5), Crop(8, 1, -1, -45)])
def test_crop_to_square_and_back_gives_the_same_crop(crop: Crop) -> None:
    again = crop_of(square_of(crop, 4000, 3000), 4000, 3000)
    assert again == pytest.approx(crop, abs=2e-3)


def test_a_square_beyond_the_image_or_the_sliders_is_clamped() -> None:
    assert crop_of(Square(-50, 900, 200, math.radians(80)), 800, 600) == Crop(3, -1, 1, -45)
    assert crop_of(Square(400, 300, 20), 800, 600).zoom == 8
    assert crop_of(Square(400, 300, 5000), 800, 600).zoom == 1


def test_a_crop_of_the_whole_image_is_centred() -> None:
    assert crop_of(Square(10, 10, 300), 300, 300) == Crop()


@pytest.mark.parametrize("framing", [CLAY, ALIGNED])
def test_a_face_has_the_size_and_position_of_the_framing(framing: Framing) -> None:
    face = Square(500, 400, 100, 0.4)
    whole = face_square(face, framing)
    assert face.side / whole.side == pytest.approx(framing.share)
    assert whole.at(0.5, framing.down) == pytest.approx((500, 400))
    assert whole.turn == face.turn


def test_a_tilted_face_is_upright_and_in_its_place_in_the_crop() -> None:
    face = Square(1260, 780, 240, 0.35)
    picture = Image.new("RGB", (2400, 1500), "white")
    draw = ImageDraw.Draw(picture)
    for (u, v), colour in (((0.2, 0.3), "red"), ((0.8, 0.3), "blue")):
        x, y = face.at(u, v)
        draw.ellipse((x - 18, y - 18, x + 18, y + 18), fill=colour)
    seen = crop_image(picture, 200, crop_of(face_square(face, CLAY), 2400, 1500))
    eyes = [place(seen, channel) for channel in (0, 2)]
    wanted = [(100 + 200 * CLAY.share * across, 200 * (CLAY.down - 0.2 * CLAY.share)) for across in (-0.3, 0.3)]
    assert eyes == [pytest.approx(one, abs=1.5) for one in wanted]


def place(image: Image.Image, channel: int) -> tuple[float, float]:
    """The middle of what has this colour and no other."""
    spots = [
        (x, y)
        for x in range(image.width)
        for y in range(image.height)
        if (pixel := image.getpixel((x, y)))[channel] > 150 and pixel[1] < 100 and pixel[2 - channel] < 100
    ]
    return (sum(x for x, _ in spots) / len(spots) + 0.5, sum(y for _, y in spots) / len(spots) + 0.5)


def test_crops_within_the_tolerances_are_similar() -> None:
    assert is_similar(Crop(1.1, 0.2, -0.3, 5), Crop(), 512, 512)
    for other in (Crop(1.5), Crop(turn=9)):
        assert not is_similar(other, Crop(), 512, 512)
    assert not is_similar(Crop(x=0.5), Crop(), 900, 500)


def test_rounded_crops_have_hundredths_and_half_degrees() -> None:
    assert rounded(Crop(2.0449, 0.333, -0.777, 7.3)) == Crop(2.04, 0.33, -0.78, 7.5)
