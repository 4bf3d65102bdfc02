"""One folder for every temporary file of this program, so that nothing of a visit outlives it, however it ends.

It goes when the program ends. A program that is killed cannot delete anything, so the next one to start does it: a
folder whose lock nobody holds has no program any more, for the system lets go of a lock however its holder ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time

PREFIX = "studio-files-"
_LOCK = "lock"
_YOUNG = 60.0
"""Seconds for which a folder is left alone, because its program may be about to lock it."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """The folder, as this process's place for temporary files and Gradio's; those of killed programs go first."""
    everybody = Path(tempfile.gettempdir())
    sweep(everybody)
    # what torch compiles is no visitor's, and worth keeping
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(everybody / "torchinductor-studio"))
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        lock = (Path(name) / _LOCK).open("w")
        _lock(lock.fileno())
        tempfile.tempdir = name
        # apart from the rest: what a visitor may name lies below it
        os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(name) / "visitors"))
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = before
            lock.close()


def sweep(everybody: Path) -> None:
    """Delete the folders of programs that were killed. Where there are no such locks (Windows), nothing."""
    for folder in everybody.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            if folder.stat().st_mtime < time() - _YOUNG and _abandoned(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def _abandoned(path: Path) -> bool:
    with path.open("r+") as file:
        return _lock(file.fileno())


def _lock(number: int) -> bool:
    """Whether the file is now locked for this process, or for whoever it is closed by."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
