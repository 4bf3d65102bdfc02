"""A guide run as HTML, for notebooks: a strip of its images, and the curve of its loss.

Nothing but torch is needed: the images are PNGs by `zlib`, the curve is SVG.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 64
"""Largest side of a thumbnail in pixels."""
_SHOWN = 8


class FrameSummary(NamedTuple):
    """What is kept of a frame: its step, the mean loss, and the first image (3, h, w) uint8, or None for no image."""

    step: int
    loss: float
    thumbnail: Tensor | None


def summarised(step: int, loss: Tensor, image: Tensor) -> FrameSummary:
    """Of a frame with loss (b,) or () and image (b, *x), which is shown if it has 1 or 3 channels."""
    thumbnail = None
    if image.dim() == 4 and image.shape[1] in (1, 3):
        first = image[:1].detach().float().nan_to_num()
        reduce = -(-max(first.shape[-2:]) // SIDE)
        small = F.avg_pool2d(first, reduce, ceil_mode=True) if reduce > 1 else first
        levels = ((small[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()
        thumbnail = levels.expand(3, -1, -1)
    return FrameSummary(step, float(loss.detach().double().mean()), thumbnail)


def strip_and_curve(run: Sequence[FrameSummary]) -> str:
    """The HTML of a run; of one without frames a sentence."""
    if not run:
        return "<p>No frame of this run was taken yet.</p>"
    first, last = run[0], run[-1]
    chosen = sorted({round(k * (len(run) - 1) / (_SHOWN - 1)) for k in range(_SHOWN)})
    figures = "".join(
        f'<figure style="margin:0"><img src="{_png(run[i].thumbnail)}" width="{SIDE}" '
        f'alt="image at step {run[i].step}"><figcaption style="font-size:80%">{run[i].step}</figcaption></figure>'
        for i in chosen
        if run[i].thumbnail is not None
    )
    return (
        f'<div style="display:flex;gap:6px;flex-wrap:wrap">{figures}</div>{_curve(run)}'
        f"<p>Loss {first.loss:.4g} → {last.loss:.4g} after {last.step} updates.</p>"
    )


def _curve(run: Sequence[FrameSummary], width: int = 360, height: int = 90) -> str:
    values = [frame.loss for frame in run]
    low, span = min(values), (max(values) - min(values)) or 1.0
    across = max(len(run) - 1, 1)
    points = " ".join(
        f"{4 + i * (width - 8) / across:.1f},{4 + (height - 8) * (1 - (v - low) / span):.1f}"
        for i, v in enumerate(values)
    )
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="loss by step" style="max-width:100%">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"/></svg>'
    )


def _png(image: Tensor | None) -> str:
    """(3, h, w) uint8 as a data URI."""
    assert image is not None
    height, width = image.shape[1:]
    rows = image.permute(1, 2, 0).reshape(height, 3 * width)
    raw = F.pad(rows, (1, 0)).contiguous().numpy().tobytes()  # every row begins with its filter, 0 for none

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{b64encode(png).decode()}"
