"""Pictures that a program sends: only what it has uploaded itself is ever opened."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from studio.messages import UserError

NO_FILE = "Upload the picture first and pass what the upload returned; other paths, and addresses, are not opened."


def uploaded(file: object) -> Path | None:
    """The path of an uploaded picture; None where there is none.

    Raises:
        UserError: it is anything else; no path is ever shown.
    """
    if file is None:
        return None
    path = file.get("path") if isinstance(file, Mapping) else None
    if not isinstance(path, str):
        raise UserError(NO_FILE)
    found = Path(path).resolve()
    if not found.is_relative_to(folder()) or not found.is_file():
        raise UserError(NO_FILE)
    return found


def folder() -> Path:
    """Where Gradio puts uploads."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").resolve()
