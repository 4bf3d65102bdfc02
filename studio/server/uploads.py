"""Files that a request names: only what was uploaded here is ever opened, whoever asks.

A file's path in a request is text that anybody can write. Gradio looks at it only where the request itself marks it
as a file, and would fetch an address; so every path is looked at here first, before Gradio sees any of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from studio.core.errors import UserError

MOST_FILES = 64
NO_FILE = "Upload the picture first and pass what the upload returned; other paths, and addresses, are not opened."


def uploaded(file: object) -> Path | None:
    """The path of an uploaded picture; None where there is none.

    Raises:
        UserError: it is anything else; no path is ever shown.
    """
    if file is None:
        return None
    path = file.get("path") if isinstance(file, Mapping) else None
    found = _inside(path)
    if not found.is_file():
        raise UserError(NO_FILE)
    return found


def check_files(data: object) -> None:
    """Nothing, where every file that is named anywhere in this JSON value lies among the uploads, and they are few.

    A file that was there and has been swept away is let through: whoever opens it says so.

    Raises:
        UserError: another path, an address, or no text at all.
    """
    waiting, files = [data], 0
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            if value.get("path") is not None:
                files += 1
                if files > MOST_FILES:
                    raise UserError(f"A request may name {MOST_FILES} files, and this one names more.")
                _inside(value["path"])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def folder() -> Path:
    """Where Gradio puts uploads."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").resolve()


def _inside(path: object) -> Path:
    if not isinstance(path, str) or "://" in path:
        raise UserError(NO_FILE)
    try:
        found = Path(path).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a name too long, a zero byte
        raise UserError(NO_FILE) from error
    if not found.is_relative_to(folder()) or found == folder():
        raise UserError(NO_FILE)
    return found
