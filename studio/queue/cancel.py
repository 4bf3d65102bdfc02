"""Stop flags: one per visitor, set by a button, read by the run at every network call.

A flag is a file, so that it can be set in one process and seen in another: on shared GPU hosts the run is forked
away from the page. Looking for a file takes microseconds, a network call milliseconds.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import time
from uuid import uuid4

KEEP = 24 * 3600.0
"""Seconds after which a flag's file is swept away; no run is that long."""
_UNWRITTEN: dict[Path, str] = {}
"""Flags whose file or reason could not be written, as on a full disk: set in this process at least, and why."""


@dataclass(frozen=True)
class Flag:
    """Set once, never cleared. May be pickled.

    Args:
        path: the file that is there when it is set.
        who: whose run it stops; "" where nobody knows.
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
        """Whether somebody asked to stop."""
        return self.path in _UNWRITTEN or os.path.exists(self.path)  # which never raises

    def why(self) -> str:
        """What there is to say about it, if anything."""
        with suppress(OSError):
            return _UNWRITTEN.get(self.path) or self.path.read_text(encoding="utf-8")
        return ""


class Stops:
    """Who may still be stopped: a flag lives from the press of Run to the end of that run, also while it queues."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="studio-stops-")
        self._flags: dict[str, Flag] = {}
        self._lock = Lock()

    def flag(self, who: str = "") -> Flag:
        """A fresh one that no button sets."""
        self._sweep()
        return Flag(Path(self._folder.name) / uuid4().hex, who)

    def arm(self, visitor: str, who: str = "") -> Flag:
        """The visitor's flag, made when there is none; one that was set while the run still queued stays set."""
        with self._lock:
            if visitor not in self._flags:
                self._flags[visitor] = self.flag(who)
            return self._flags[visitor]

    def halt(self, visitor: str) -> bool:
        """Set the visitor's flag. False where they run nothing."""
        with self._lock:
            flag = self._flags.get(visitor)
        if flag is not None:
            flag.set()
        return flag is not None

    def running(self, visitor: str) -> bool:
        """Whether a run of this visitor is under way or in the queue."""
        with self._lock:
            return visitor in self._flags

    def drop(self, visitor: str) -> None:
        """The visitor's run is over."""
        with self._lock:
            self._flags.pop(visitor, None)

    def leave(self, visitor: str) -> None:
        """The visitor is gone, and all their jobs (`visitor`, `visitor:morph`) stop."""
        with self._lock:
            gone = [name for name in self._flags if name.partition(":")[0] == visitor]
            flags = [self._flags.pop(name) for name in gone]
        for flag in flags:
            flag.set()

    def _sweep(self) -> None:
        """A flag that was set leaves its file behind, for the run may still look for it."""
        folder = Path(self._folder.name)
        with suppress(OSError):  # on a full disk flags are kept in memory
            folder.mkdir(exist_ok=True)  # whoever cleans temporary files up may have taken it
            for path in folder.iterdir():
                if path.stat().st_mtime < time() - KEEP:
                    path.unlink()
