"""`CancelTokens`: one token for each job of a visitor, from the press of Run to the end of the run."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import time
from uuid import uuid4

from studio.core.cancellation import CancelToken

KEEP = 24 * 3600.0
"""Seconds after which the file of a token is deleted; every run is shorter."""


class CancelTokens:
    """The tokens of all jobs by name. A job has its token while it is in the queue and while it runs."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="studio-stops-")
        self._tokens: dict[str, CancelToken] = {}
        self._begun: Counter[str] = Counter()
        self._lock = Lock()

    def new_token(self, client: str = "") -> CancelToken:
        """A token without a name, for a job that no Stop button cancels."""
        self._delete_old_files()
        return CancelToken(Path(self._folder.name) / uuid4().hex, client)

    def register(self, visitor: str, client: str = "") -> CancelToken:
        """The token of this name, a new one if there is none. A token set in the queue stays set."""
        with self._lock:
            if visitor not in self._tokens:
                self._tokens[visitor] = self.new_token(client)
                self._begun[visitor] += 1
            return self._tokens[visitor]

    def cancel(self, visitor: str) -> bool:
        """Set the token of this name. False if there is none."""
        with self._lock:
            token = self._tokens.get(visitor)
        if token is not None:
            token.set()
        return token is not None

    def running(self, visitor: str) -> bool:
        """Whether a job of this name runs or is in the queue."""
        with self._lock:
            return visitor in self._tokens

    def begun(self, visitor: str) -> int:
        """How many jobs of this name have begun or joined the queue."""
        with self._lock:
            return self._begun[visitor]

    def release(self, visitor: str) -> None:
        """Remove the token of this name, at the end of its job."""
        with self._lock:
            self._tokens.pop(visitor, None)

    def cancel_all(self, visitor: str) -> None:
        """Set and remove all tokens of a visitor who left (`visitor`, `visitor:morph`)."""
        with self._lock:
            names = [name for name in self._tokens if name.partition(":")[0] == visitor]
            tokens = [self._tokens.pop(name) for name in names]
            for name in [name for name in self._begun if name.partition(":")[0] == visitor]:
                del self._begun[name]
        for token in tokens:
            token.set()

    def _delete_old_files(self) -> None:
        """The file of a token outlives its job, because the run may still read it."""
        folder = Path(self._folder.name)
        with suppress(OSError):  # on a full disk tokens are kept in memory
            folder.mkdir(exist_ok=True)  # a cleaner of temporary files may have deleted it
            for path in folder.iterdir():
                if path.stat().st_mtime < time() - KEEP:
                    path.unlink()
