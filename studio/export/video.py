"""A run as a video: H.264 in an MP4 that every browser plays, or an animated WebP."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from studio.core.errors import UserError
from studio.export.provenance import SENTENCE, SOFTWARE, SOURCE_TYPE, exif, xmp
from studio.images.load import enlarge

SIDE = 512
RATE = 10  # frames a second
HOLD = RATE  # repetitions of the first and of the last frame: one second each


def mp4(frames: Sequence[Image.Image]) -> bytes:
    """H.264 in yuv420p, with the index at the beginning of the file.

    Raises:
        UserError: the optional package `av` is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise UserError(
            "Videos need the Python package “av”, which is not installed here (pip install av): take the WebP or the "
            "zip of frames instead."
        ) from error
    large = [enlarge(frame, SIDE) for frame in frames]
    with TemporaryDirectory() as folder:  # +faststart opens the file a second time, so it has to be on disk
        path = Path(folder) / "run.mp4"
        with av.open(path, "w", options={"movflags": "+faststart"}) as container:
            container.metadata.update(title=SOFTWARE, description=SENTENCE, comment=f"{SENTENCE} {SOURCE_TYPE}")
            video = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
            # yuv420p has one colour sample for 2 x 2 pixels, so sides are even
            video.width, video.height = (side - side % 2 for side in large[0].size)
            video.pix_fmt, video.time_base = "yuv420p", Fraction(1, RATE)
            for frame in [large[0]] * HOLD + large + [large[-1]] * HOLD:
                container.mux(video.encode(av.VideoFrame.from_image(frame)))  # type: ignore[no-untyped-call]
            container.mux(video.encode())
        return path.read_bytes()


def webp(frames: Sequence[Image.Image]) -> bytes:
    """An animated WebP, lossy, in an endless loop."""
    first, *rest = [enlarge(frame, SIDE // 2) for frame in frames]
    times = [1000 // RATE] * len(frames)
    times[0] = times[-1] = 1000
    stream = io.BytesIO()
    first.save(
        stream,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=times,
        loop=0,
        quality=88,
        method=3,
        exif=exif(),
        xmp=xmp().encode(),
    )
    return stream.getvalue()
