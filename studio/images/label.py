"""`draw_label`: a visible label in the corner of an image, beside the note in its metadata."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

LABEL = "AI-edited"
_MIN_SIZE = 9  # points; smaller letters run together
_SHARE = 1 / 22  # of the image's width


def draw_label(image: Image.Image) -> Image.Image:
    """A copy with the label in its lower right corner, white on a dark background."""
    size = max(_MIN_SIZE, round(image.width * _SHARE))
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(LABEL)
    gap = max(1, size // 4)
    width, height = round(right - left) + 2 * gap, round(bottom - top) + 2 * gap
    labelled = image.copy()
    draw = ImageDraw.Draw(labelled)
    x, y = image.width - width, image.height - height
    draw.rectangle((x, y, image.width, image.height), fill=(24, 24, 24))
    draw.text((x + gap - left, y + gap - top), LABEL, font=font, fill="white")
    return labelled
