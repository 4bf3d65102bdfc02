"""Files that a request names: only uploads are opened.

A path in a request is text that any client can write. Gradio checks it only where the request marks it as a file, and
fetches URLs; so every path is checked here first.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from studio.core.errors import UserError

MAX_FILES = 64
NO_FILE = "Upload the picture first and pass the path that the upload returned: other paths and URLs are not opened."


def uploaded(file: object) -> Path | None:
    """The path of an uploaded image; None if `file` is None.

    Raises:
        UserError: it is not an uploaded file; the message contains no path.
    """
    if file is None:
        return None
    path = _upload_path(file.get("path") if isinstance(file, Mapping) else None)
    if not path.is_file():
        raise UserError(NO_FILE)
    return path


def check_files(data: object) -> None:
    """Check that every file in a JSON value is an upload, and that there are at most `MAX_FILES`.

    A path among the uploads whose file has been deleted passes: opening it gives an error message of its own.

    Raises:
        UserError: another path, a URL, or not a text; or too many files.
    """
    pending, files = [data], 0
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            if value.get("path") is not None:
                files += 1
                if files > MAX_FILES:
                    raise UserError(f"This request names more than {MAX_FILES} files, the limit: name fewer.")
                _upload_path(value["path"])
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def folder() -> Path:
    """The folder in which Gradio stores uploads."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio").resolve()


def _upload_path(path: object) -> Path:
    if not isinstance(path, str) or "://" in path:
        raise UserError(NO_FILE)
    try:
        resolved = Path(path).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a name that is too long, a zero byte
        raise UserError(NO_FILE) from error
    if not resolved.is_relative_to(folder()) or resolved == folder():
        raise UserError(NO_FILE)
    return resolved
