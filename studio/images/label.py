"""`mark`: a small label in the corner of a picture, for eyes that read no metadata."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

LABEL = "AI-edited"
_SMALLEST = 9  # points; below that the letters run together
_SHARE = 1 / 22  # of the picture's width


def mark(image: Image.Image) -> Image.Image:
    """A copy with the label in its lower right corner: white on a dark ground, whatever lies below it."""
    size = max(_SMALLEST, round(image.width * _SHARE))
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(LABEL)
    gap = max(1, size // 4)
    width, height = round(right - left) + 2 * gap, round(bottom - top) + 2 * gap
    marked = image.copy()
    draw = ImageDraw.Draw(marked)
    x, y = image.width - width, image.height - height
    draw.rectangle((x, y, image.width, image.height), fill=(24, 24, 24))
    draw.text((x + gap - left, y + gap - top), LABEL, font=font, fill="white")
    return marked
