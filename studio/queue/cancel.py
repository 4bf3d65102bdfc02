"""`CancelTokens`: one token per visitor, from the press of Run to the end of that run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import time
from uuid import uuid4

from studio.core.cancellation import CancelToken

KEEP = 24 * 3600.0
"""Seconds after which a token's file is swept away; no run is that long."""


class CancelTokens:
    """Who may still be stopped: a token lives from the press of Run to the end of that run, also while it queues."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="studio-stops-")
        self._tokens: dict[str, CancelToken] = {}
        self._lock = Lock()

    def new_token(self, who: str = "") -> CancelToken:
        """A fresh one that no button sets."""
        self._sweep()
        return CancelToken(Path(self._folder.name) / uuid4().hex, who)

    def register(self, visitor: str, who: str = "") -> CancelToken:
        """The visitor's token, made when there is none; one that was set while the run still queued stays set."""
        with self._lock:
            if visitor not in self._tokens:
                self._tokens[visitor] = self.new_token(who)
            return self._tokens[visitor]

    def cancel(self, visitor: str) -> bool:
        """Set the visitor's token. False where they run nothing."""
        with self._lock:
            token = self._tokens.get(visitor)
        if token is not None:
            token.set()
        return token is not None

    def running(self, visitor: str) -> bool:
        """Whether a run of this visitor is under way or in the queue."""
        with self._lock:
            return visitor in self._tokens

    def release(self, visitor: str) -> None:
        """The visitor's run is over."""
        with self._lock:
            self._tokens.pop(visitor, None)

    def cancel_all(self, visitor: str) -> None:
        """The visitor is gone, and all their jobs (`visitor`, `visitor:morph`) stop."""
        with self._lock:
            gone = [name for name in self._tokens if name.partition(":")[0] == visitor]
            tokens = [self._tokens.pop(name) for name in gone]
        for token in tokens:
            token.set()

    def _sweep(self) -> None:
        """A token that was set leaves its file behind, for the run may still look for it."""
        folder = Path(self._folder.name)
        with suppress(OSError):  # on a full disk tokens are kept in memory
            folder.mkdir(exist_ok=True)  # whoever cleans temporary files up may have taken it
            for path in folder.iterdir():
                if path.stat().st_mtime < time() - KEEP:
                    path.unlink()
