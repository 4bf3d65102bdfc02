"""Messages about an uploaded photograph: its faces, and whether it is outside the model's training data."""

from __future__ import annotations

from html import escape

from PIL import Image

from studio.export.player import uri
from studio.images.domain import DomainCheck

NONE = "No face was found, so the crop is unchanged. The goal “Person” needs a face seen from the front."
NEEDED = "This goal needs a face seen from the front, and none was found in the {} picture: choose another."
UNDONE = "The crop was restored."


def found(number: int, *, kept: bool) -> str:
    """The number of faces, and the new crop; `kept`: the crop was set by hand and is unchanged."""
    many = "one face" if number == 1 else f"{number} faces"
    if kept:
        return f"Found {many}. Your crop is unchanged; choose a face to crop to it."
    return f"Found {many}; the crop was set to {'it' if number == 1 else 'the largest'}."


def chosen(number: int) -> str:
    """A face was chosen."""
    return f"The crop was set to face {number}."


def outside(check: DomainCheck, picture: Image.Image) -> str:
    """A warning for a picture outside the training data, with its reconstruction; "" for other pictures."""
    if not check.outside:
        return ""
    text = (
        "<b>This picture is outside the model’s training data.</b> The model was trained on rendered clay faces. The "
        f"out-of-distribution score (normalised reconstruction error) is {check.score:.2g}; clay faces score "
        "about 1. In 24 runs on 12 photographs the match with the prompt rose from 0.09 to 0.46 (medians), but as "
        "coloured patches over the whole picture, not as an edit of hair or face."
    )
    pictures = "".join(
        f'<figure><img src="{uri(one)}" alt=""><figcaption>{escape(name)}</figcaption></figure>'
        for one, name in ((picture, "your crop"), (check.reconstruction, "what the model sees in it"))
    )
    return f'<div class="outside" role="status"><p>{text}</p>{pictures}</div>'
