import io
import sys

import pytest
from PIL import Image

from studio.core.errors import UserError
from studio.export.video import HOLD, mp4, webp

FRAMES = [Image.new("RGB", (64, 64), (level, 0, 255 - level)) for level in range(0, 250, 50)]


def test_an_mp4_is_h264_and_repeats_its_first_and_last_frame() -> None:
    av = pytest.importorskip("av")
    data = mp4(FRAMES)
    with av.open(io.BytesIO(data)) as film:
        video = film.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        shown = [frame.to_image() for frame in film.decode(video=0)]
    assert len(shown) == len(FRAMES) + 2 * HOLD
    assert shown[0].size == (512, 512)
    first, last = shown[0].getpixel((256, 256)), shown[-1].getpixel((256, 256))
    assert first[2] > 200 > 60 > first[0]
    assert last[0] > 150 > 90 > last[2]
    # the index comes first, so that it plays while it loads
    assert data.index(b"moov") < data.index(b"mdat")


def test_odd_sides_are_rounded_down_to_even_ones() -> None:
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(mp4([Image.new("RGB", (513, 513))] * 2))) as film:
        assert film.streams.video[0].width == 512


def test_without_the_package_the_error_message_has_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match="pip install av"):
        mp4(FRAMES)


def test_a_webp_has_every_frame_and_loops() -> None:
    film = Image.open(io.BytesIO(webp(FRAMES)))
    assert film.n_frames == len(FRAMES)
    assert film.info["loop"] == 0
    film.seek(2)
    assert abs(film.convert("RGB").getpixel((100, 100))[0] - 100) < 12
