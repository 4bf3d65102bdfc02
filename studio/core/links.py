"""Settings as a link: plain query parameters, one for each setting that is not at its default.

    ?prompt=a+face+with+a+hat&seed=7&image=5-mohawk

`image` names an example; a picture of one's own never travels in a link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from studio.core.errors import UserError
from studio.core.settings import Settings, changed, parse

IMAGE = "image"


class Linked(NamedTuple):
    """What a link asks for: settings, and an example picture or None."""

    settings: Settings
    image: Path | None


def query(settings: Settings, image: str | None = None) -> str:
    """The part of a link after the question mark."""
    values = {name: str(value) for name, value in changed(settings).items()}
    return urlencode({**values, **({IMAGE: image} if image else {})})


def read_query(parameters: Mapping[str, str], examples: Sequence[Path]) -> Linked | None:
    """What the parameters of a link ask for; None where none of them is ours. Other parameters are the host's.

    Raises:
        UserError: one of them breaks its rule; the sentence says that it came with the link.
    """
    ours = {name: value for name, value in parameters.items() if name in Settings.model_fields}
    named = parameters.get(IMAGE)
    if not ours and named is None:
        return None
    pictures = {path.stem: path for path in examples}
    if named is not None and named not in pictures:
        raise UserError(f"The link asks for an example picture that is not here; choose one of {', '.join(pictures)}.")
    try:
        return Linked(parse(ours), pictures.get(named or ""))
    except UserError as error:
        raise UserError(f"The link could not be used. {error}") from error
