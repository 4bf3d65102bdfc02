import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.core.errors import UserError
from studio.images import load
from studio.images.files import MAX_BYTES
from studio.images.load import enlarge, load_picture, to_image, to_tensor

Save = Callable[..., Path]


def refused(path: Path) -> str:
    with pytest.raises(UserError) as error:
        load_picture(path, 64)
    sentence = str(error.value)
    assert path.name not in sentence
    assert "/" not in sentence
    return sentence


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def test_a_picture_becomes_a_square_of_the_models_size(save_picture: Save) -> None:
    image = load_picture(save_picture(size=(300, 200)), 64)
    assert (image.size, image.mode) == ((64, 64), "RGB")


def test_the_centre_of_the_image_is_kept(tmp_path: Path) -> None:
    wide = Image.new("RGB", (300, 100), "blue")
    wide.paste("red", (100, 0, 200, 100))
    wide.save(tmp_path / "wide.png")
    assert load_picture(tmp_path / "wide.png", 32).getcolors() == [(1024, (255, 0, 0))]


def test_the_exif_orientation_is_applied_and_metadata_dropped(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste("black", (0, 0, 64, 32))
    exif = picture.getexif()
    exif[274], exif[271] = 3, "a camera"  # orientation: upside down
    picture.save(tmp_path / "phone.jpg", exif=exif, quality=95)
    image = load_picture(tmp_path / "phone.jpg", 64)
    assert image.getpixel((32, 10))[0] > 200 > 50 > image.getpixel((32, 55))[0]
    assert not image.getexif()
    assert "exif" not in image.info


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparent_pixels_become_white(save_picture: Save, mode: str, colour: tuple[int, ...]) -> None:
    assert load_picture(save_picture(mode=mode, colour=colour), 32).getcolors() == [(1024, (255, 255, 255))]


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.bmp", "a.gif", "a.tiff"])
def test_other_formats_are_read(save_picture: Save, name: str) -> None:
    assert load_picture(save_picture(name), 32).size == (32, 32)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert refused(tmp_path / "a.png").startswith("This file is empty")


def test_an_upload_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.png") == "This picture is no longer here: choose it again."


def test_a_text_file_renamed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture at all, but text of some length")
    assert refused(tmp_path / "a.png").startswith("This file cannot be read as a picture")


def test_a_truncated_file(face: Path, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(face.read_bytes()[:-200])
    assert refused(tmp_path / "a.png").startswith("This picture is damaged")


@pytest.mark.parametrize("side", [7_000, 12_000, 20_000])
def test_a_huge_picture_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    assert refused(tmp_path / "a.png").startswith("This picture has too many pixels")


def test_a_huge_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert refused(tmp_path / "a.png").startswith("This file is too large")


def test_a_tiny_picture(save_picture: Save) -> None:
    assert refused(save_picture(size=(15, 200))).startswith("This picture is only 15 x 200 pixels")


def test_8_bit_levels_survive_the_tensor() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(16, 16, 1).expand(16, 16, 3)
    image = Image.fromarray(levels.contiguous().numpy())
    tensor = to_tensor(image)
    assert (tensor.shape, tensor.min(), tensor.max()) == ((1, 3, 16, 16), -1, 1)
    assert to_image(tensor).tobytes() == image.tobytes()


def test_levels_are_rounded_and_clipped() -> None:
    values = torch.tensor([-3.0, -1 + 0.9 / 127.5, 3.0]).view(1, 3, 1, 1)
    assert to_image(values).getpixel((0, 0)) == (0, 1, 255)


def test_enlarging_never_shrinks(save_picture: Save) -> None:
    image = Image.new("RGB", (64, 64))
    assert enlarge(image, 384).size == (384, 384)
    assert enlarge(image, 32) is image


def test_16_bit_levels_are_rounded_down_to_8_bits(tmp_path: Path) -> None:
    levels = np.full((20, 20), 0x80FF, dtype=np.uint16)
    for name in ("a.png", "a.tiff"):
        Image.fromarray(levels).save(tmp_path / name)
        assert load_picture(tmp_path / name, 16).getpixel((5, 5)) == (0x80,) * 3


def test_float_and_32_bit_images_are_refused_with_a_cure(tmp_path: Path) -> None:
    for mode in ("F", "I"):
        Image.new(mode, (20, 20)).save(tmp_path / "a.tiff")
        assert refused(tmp_path / "a.tiff").startswith("The colour format of this picture is not supported")


def test_cmyk_palette_and_1_bit_images_keep_their_colours(tmp_path: Path) -> None:
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red, green, blue = load_picture(tmp_path / "a.jpg", 16).getpixel((5, 5))
    assert red > 200 > 60 > max(green, blue)
    Image.new("RGB", (32, 32), (10, 200, 30)).quantize(4).save(tmp_path / "p.png")
    assert load_picture(tmp_path / "p.png", 16).getpixel((5, 5)) == (10, 200, 30)
    Image.new("1", (32, 32), 1).save(tmp_path / "1.png")
    assert load_picture(tmp_path / "1.png", 16).getpixel((5, 5)) == (255, 255, 255)


def test_a_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    Image.new("P", (32, 32), 0).save(tmp_path / "p.gif", transparency=0)
    assert load_picture(tmp_path / "p.gif", 16).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, name: str) -> None:
    first, second = Image.new("RGB", (32, 32), "white"), Image.new("RGB", (32, 32), "black")
    first.save(tmp_path / name, save_all=True, append_images=[second])
    assert load_picture(tmp_path / name, 16).getpixel((5, 5)) == (255, 255, 255)


def test_pictures_are_decoded_one_at_a_time(save_picture: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "QUEUE_TIMEOUT", 0.01)
    with load._DECODING:
        assert refused(save_picture()).startswith("Many pictures are being opened")
    load_picture(save_picture(), 16)
