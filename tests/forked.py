"""A program as a process of its own, to be killed or to be one of several. It is a fork of this process, because a new
one would import torch and diffusers again, which takes longer than what is tested.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess


def start(main: Callable[[], int | None], words: list[str], **variables: object) -> BaseProcess:
    """Start `main` with these words on its command line and these variables in its environment."""

    def run() -> None:
        os.environ.update({name: str(value) for name, value in variables.items()})
        sys.argv = words
        sys.exit(main())

    process = get_context("fork").Process(target=run, daemon=True)
    process.start()
    return process


def status(process: BaseProcess, seconds: float = 300) -> int | None:
    """The exit status of a process, when it has ended; None for one that has not within this time."""
    process.join(seconds)
    return process.exitcode
