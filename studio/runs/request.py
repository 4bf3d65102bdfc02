"""`Request`: checked settings with checked pictures, so that a mistake is an error message before a run starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.errors import UserError
from studio.core.settings import Settings, parse
from studio.images.crop import Crop
from studio.images.load import load_picture

PictureFile = str | Path | None


@dataclass(frozen=True)
class Request:
    """One run, ready to start.

    Args:
        settings: checked.
        start: the picture to change, square, at the model's size.
        second: the reference of the losses that need one; None for the others, even if one was given.
    """

    settings: Settings
    start: Image.Image
    second: Image.Image | None = None

    @classmethod
    def checked(cls, values: Mapping[str, Any], start: PictureFile, second: PictureFile, size: int) -> Request:
        """A request from the values of a page or a file.

        Raises:
            UserError: the first thing that is missing or wrong, in the order in which the page asks for it.
        """
        if start is None:
            raise UserError("There is no image yet: upload one, or choose an example.")
        settings = parse(values)
        first_picture = load_picture(start, size, Crop.of_first(settings))
        check_texts(settings)
        if not settings.needs_second_picture:
            return cls(settings, first_picture)
        if second is None:
            raise UserError(settings.goal.second_missing)
        try:
            return cls(settings, first_picture, load_picture(second, size, Crop.of_second(settings)))
        except UserError as error:
            raise UserError(f"Second picture: {error}") from error


def check_texts(settings: Settings) -> None:
    """Raises UserError for a text that is needed and empty."""
    if settings.needs_prompt and not settings.prompt.strip():
        raise UserError("The prompt is empty: write what you want to see, for example “a face with red hair”.")
    if settings.needs_source_text and not settings.source_text.strip():
        raise UserError("The picture description is empty: describe what the picture shows now, for example “a face”.")
