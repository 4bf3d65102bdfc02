"""One folder for all temporary files of this program, deleted when the program ends.

A program that is killed cannot delete its folder, so the next start does. Each program holds a lock on its folder, and
the operating system releases the lock however the program ends: a folder whose lock is free is abandoned.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time

from filelock import FileLock

PREFIX = "studio-files-"
_LOCK = "lock"
_MIN_AGE = 60.0
"""Seconds before a folder may be deleted: a program that has just started may not hold its lock yet."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Create the folder and make it the default for temporary files, Gradio's included; abandoned ones are deleted."""
    parent = Path(tempfile.gettempdir())
    sweep(parent)
    # compiled kernels hold no visitor's data and are worth keeping
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(parent / "torchinductor-studio"))
    previous = tempfile.tempdir
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name,
        FileLock(Path(name) / _LOCK, timeout=0),
    ):
        tempfile.tempdir = name
        # a folder of its own: requests may name files below it
        os.environ.setdefault("GRADIO_TEMP_DIR", str(Path(name) / "visitors"))
        try:
            yield Path(name)
        finally:
            tempfile.tempdir = previous


def sweep(parent: Path) -> None:
    """Delete the folders that killed programs left in `parent`."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # locked by a running program (a TimeoutError), another user's, or deleted meanwhile
            if folder.stat().st_mtime < time() - _MIN_AGE:
                with FileLock(folder / _LOCK, timeout=0):
                    pass  # Windows deletes no file that is open, so the lock is released first
                shutil.rmtree(folder, ignore_errors=True)
