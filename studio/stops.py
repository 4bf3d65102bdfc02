"""Stop flags: one per visitor, set by a button, read by the run at every network call.

A flag is a file, so that it can be set in one process and seen in another: on shared GPU hosts the run is forked
away from the page. Looking for a file takes microseconds, a network call milliseconds.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from uuid import uuid4


class Flag:
    """Set once, never cleared. May be pickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self) -> None:
        """From now on `is_set`. After the page is gone there is nobody left to tell, and nothing happens."""
        if self._path.parent.exists():
            self._path.touch()

    def is_set(self) -> bool:
        """Whether somebody asked to stop."""
        return self._path.exists()


class Stops:
    """Who may still be stopped: a flag lives from the press of Run to the end of that run, also while it queues."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="studio-stops-")
        self._flags: dict[str, Flag] = {}
        self._lock = Lock()

    def flag(self) -> Flag:
        """A fresh one that no button sets."""
        return Flag(Path(self._folder.name) / uuid4().hex)

    def arm(self, visitor: str) -> Flag:
        """The visitor's flag, made when there is none; one that was set while the run still queued stays set."""
        with self._lock:
            return self._flags.setdefault(visitor, self.flag())

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
