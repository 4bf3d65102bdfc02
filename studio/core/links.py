"""Settings as a link: one query parameter for each setting that differs from its default.

    ?version=6&prompt=a+face+with+a+hat&seed=7&image=5-mohawk

`image` names an example image; an uploaded image is never part of a link.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from studio.core.errors import UserError
from studio.core.settings import VERSION, Settings, changed, parse

IMAGE = "image"
_CURL = """HOST=ADDRESS/gradio_api
{uploads}
ASK={ask}
JOB=$(curl -s $HOST/call/v2/steer -H "Content-Type: application/json" -d "$ASK" | cut -d '"' -f 4)
curl -sN $HOST/call/v2/steer/$JOB"""


class Linked(NamedTuple):
    """The settings of a link, and the path of its example image, if it names one."""

    settings: Settings
    image: Path | None


def query(settings: Settings, image: str | None = None) -> str:
    """The query string of a link, without the question mark."""
    values = {name: str(value) for name, value in changed(settings).items()}
    values = {"version": str(VERSION), **values} if values else values
    return urlencode({**values, **({IMAGE: image} if image else {})})


def curl(settings: Settings) -> str:
    """Shell lines that make this run by the endpoint `/steer`; ADDRESS stands for that of the studio."""
    files = {"image": "FILE", **({"second": "SECOND"} if settings.needs_second_picture else {})}
    values = {name: {"path": f"${file}"} for name, file in files.items()}
    ask = shlex.quote(json.dumps({**values, "prompt": settings.prompt, **changed(settings)}))
    uploads = []
    for name, file in files.items():
        ask = ask.replace(f"${file}", f"'${file}'", 1)  # outside of the quotes, where the shell puts in the upload
        uploads.append(f"{file}=$(curl -s $HOST/upload -F files=@{name}.png | tr -d '[]\"')")
    return _CURL.format(uploads="\n".join(uploads), ask=ask)


def read_query(parameters: Mapping[str, str], examples: Sequence[Path]) -> Linked | None:
    """Read the query parameters of a link; None if none of them is a setting. Parameters with other names are ignored.

    Raises:
        UserError: a parameter is invalid; the message mentions the link.
    """
    values = {name: value for name, value in parameters.items() if name in Settings.model_fields}
    image = parameters.get(IMAGE)
    if not values and image is None:
        return None
    images = {path.stem: path for path in examples}
    if image is not None and image not in images:
        raise UserError(f"The link names an example picture that is not here; choose one of {', '.join(images)}.")
    if values:  # links had no version before version 5
        values = {"version": "4", **values}
    try:
        return Linked(parse(values), images.get(image or ""))
    except UserError as error:
        raise UserError(f"The link could not be used. {error}") from error
