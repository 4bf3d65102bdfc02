"""What the page says of a photograph: its faces, and whether a model knows such pictures."""

from __future__ import annotations

from html import escape

from PIL import Image

from studio.export.player import uri
from studio.models.domain import DomainCheck

NONE = "No face was found, so the crop stays as it is. Goals about a person need a face seen from the front."
UNDONE = "The crop is as it was."


def found(number: int, *, kept: bool) -> str:
    """How many faces there are, and what became of the crop."""
    many = "one face" if number == 1 else f"{number} faces"
    if kept:
        return f"Found {many}. The crop that you set is kept; choose a face to have it set to that."
    return f"Found {many}; the crop was set to {'it' if number == 1 else 'the largest'}."


def chosen(number: int) -> str:
    """A face was picked."""
    return f"The crop was set to face {number}."


def outside(sight: DomainCheck, picture: Image.Image) -> str:
    """A picture of a kind that the model does not know, beside what the model makes of it; nothing for others."""
    if not sight.outside:
        return ""
    told = (
        "<b>This picture is outside the model’s world.</b> It knows clay faces, and this is "
        f"{sight.score:.2g} times as far from what it redraws as they are. You can run it all the same: "
        "the picture comes back exactly, but will hardly change as you wish."
    )
    pictures = "".join(
        f'<figure><img src="{uri(one)}" alt=""><figcaption>{escape(name)}</figcaption></figure>'
        for one, name in ((picture, "your crop"), (sight.reconstruction, "what the model's code holds of it"))
    )
    return f'<div class="outside" role="status"><p>{told}</p>{pictures}</div>'
