"""`CancelToken`: asks a run to stop; set by a button, read by the run at every network call.

A token is a file, so that it can be set in one process and read in another: on shared GPU hosts the run is forked
away from the page. Looking for a file takes microseconds, a network call milliseconds.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_UNWRITTEN: dict[Path, str] = {}
"""Tokens whose file or reason could not be written, as on a full disk: set in this process at least, and why."""


@dataclass(frozen=True)
class CancelToken:
    """Set once, never cleared. May be pickled.

    Args:
        path: the file that is there when it is set.
        who: whose run it stops; "" if unknown.
    """

    path: Path
    who: str = ""

    def set(self, why: str = "") -> None:
        """From now on `is_set`; the first reason stays. Never raises: a stop has to work on a full disk too."""
        try:
            with self.path.open("x", encoding="utf-8") as file:
                file.write(why)
        except FileExistsError:
            pass
        except OSError:
            _UNWRITTEN.setdefault(self.path, why)

    def is_set(self) -> bool:
        """Whether the run was asked to stop."""
        return self.path in _UNWRITTEN or os.path.exists(self.path)  # which never raises

    def why(self) -> str:
        """The message for the page, or ""."""
        with suppress(OSError):
            return _UNWRITTEN.get(self.path) or self.path.read_text(encoding="utf-8")
        return ""
