import io

import numpy as np
import pytest
from PIL import Image

from studio.core.errors import UserError
from studio.export.frames import MOST, columns, of_tiles, to_tiles


def frames(count: int, side: int = 32) -> list[Image.Image]:
    return [Image.new("RGB", (side, side), (10 * i % 256, 255 - 10 * i % 256, 128)) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 5, 21])
def test_tiles_give_every_frame_back(count: int) -> None:
    for before, after in zip(frames(count), of_tiles(to_tiles(frames(count)), count), strict=True):
        assert np.abs(np.asarray(before, int) - np.asarray(after, int))[8:-8, 8:-8].max() <= 6


def test_equal_frames_are_kept() -> None:
    same = [Image.new("RGB", (16, 16), "navy")] * 7
    assert len(of_tiles(to_tiles(same), 7)) == 7


@pytest.mark.slow
def test_large_frames_are_reduced_to_what_the_format_allows() -> None:
    large = [Image.new("RGB", (2100, 2100), "navy")] * 10
    with Image.open(io.BytesIO(to_tiles(large))) as sheet:
        assert max(sheet.size) <= MOST
        assert sheet.width % columns(10) == 0


@pytest.mark.parametrize(("data", "message"), [(b"nonsense", "damaged"), (to_tiles(frames(9)), "do not belong")])
def test_a_file_that_does_not_fit_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        of_tiles(data, 30)
