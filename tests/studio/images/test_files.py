import os
from pathlib import Path

import pytest
from PIL import Image, features

from studio.core.errors import UserError
from studio.images import files
from studio.images.files import MAX_SCANS, TooSlow, open_picture
from studio.images.load import load_picture
from tests.hostile.forge import bmp, progressive, strips, tiff


def save(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    return path


def test_a_jpeg_of_many_scans_is_refused_before_any_is_decoded(tmp_path: Path) -> None:
    assert open_picture(save(tmp_path, progressive(MAX_SCANS))).size == (64, 64)
    with pytest.raises(TooSlow):
        open_picture(save(tmp_path, progressive(MAX_SCANS + 1)))
    with pytest.raises(UserError, match="takes too long to decode"):
        load_picture(save(tmp_path, progressive(5000)), 64)


def test_a_decoder_that_reads_after_the_deadline_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, progressive(10, size=512))
    load_picture(path, 64)
    monkeypatch.setattr(files, "DECODE_TIMEOUT", -1.0)
    with pytest.raises(UserError):
        load_picture(path, 64)


def test_tiles_that_cover_far_more_than_the_image_are_refused(tmp_path: Path) -> None:
    # thousands of them may point at the same few bytes, and each is decoded whole
    tall = strips(20_800, 64, t322=16, t323=2**21, t324=8, t325=1024)
    with pytest.raises(UserError, match="too many pixels"):
        open_picture(save(tmp_path, tiff(tall, bytes(1024))))
    nothing = strips(32, 32, t322=0, t323=16, t324=8, t325=1024)
    with pytest.raises(UserError, match="cannot be read"):
        open_picture(save(tmp_path, tiff(nothing, bytes(1024))))


def test_run_lengths_of_a_bmp_are_refused(tmp_path: Path) -> None:
    data = bytearray(bmp(2_000_000, 16, bits=8, offset=54 + 1024, data=bytes(1024) + b"\x00\x02\xff\xff" * 20))
    data[30:34] = (1).to_bytes(4, "little")
    with pytest.raises(UserError, match="cannot be read"):
        open_picture(save(tmp_path, bytes(data)))


def test_a_tile_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    tiles = strips(32, 32, t322=30_000, t323=30_000, t324=8, t325=1024)
    with pytest.raises(UserError, match="too many pixels"):
        open_picture(save(tmp_path, tiff(tiles, bytes(1024))))


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_an_avif_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(tmp_path / "picture.avif")
    picture = open_picture(tmp_path / "picture.avif")
    assert picture.size == (40, 30)
    assert picture.convert("RGB").getpixel((20, 15))[0] > 240  # type: ignore[index]


@pytest.mark.parametrize("brand", [b"heic", b"avif"])
def test_a_heic_and_a_broken_avif_are_refused_with_a_cure(tmp_path: Path, brand: bytes) -> None:
    with pytest.raises(UserError, match="save it as JPEG or PNG"):
        open_picture(save(tmp_path, b"\0\0\0\x18ftyp" + brand + bytes(100)))


@pytest.mark.parametrize("what", ["folder", "zero byte"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises(UserError, match="cannot be read as a picture"):
        open_picture(tmp_path if what == "folder" else Path("a\0b"))


def test_an_endless_file_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists("/dev/zero"):
        pytest.skip("no such device here")
    monkeypatch.setattr(files, "MAX_BYTES", 2**20)
    with pytest.raises(UserError, match="too large"):
        open_picture(Path("/dev/zero"))
