"""What a person reads when something does not work: its cause, and what to do. Nothing of the server's insides.

Whatever is not the person's own mistake gets an incident number, under which the log has the rest: the page never
shows a traceback, and the report of a visitor can still be found again.
"""

from __future__ import annotations

import errno
import logging
import re
import secrets

import torch

log = logging.getLogger("studio")

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DEPTH = 8
# of CUDA, MPS and CPU allocators, which do not always raise an exception of their own
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|cannot allocate memory", re.I)
_WHERE = re.compile(r"step (\d+) of (\d+) \(t = ([\d.e+-]+)\)")


class UserError(Exception):
    """Something a person can put right. Its text is one sentence that is safe to show: no paths, no internals."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine had no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or one behind it, is that nothing more could be written."""
    for _ in range(_DEPTH):
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error and (error.__cause__ or error.__context__)
    return False


def explain(error: BaseException) -> str:
    """What to show for any exception; all but a person's own mistakes are logged here."""
    if isinstance(error, UserError):
        return str(error)
    incident = secrets.token_hex(4)
    if isinstance(error, FloatingPointError):
        log.warning("Incident %s: %s", incident, error)
    else:
        log.error("Incident %s", incident, exc_info=error)
    return _sentence(error, f"(incident {incident})")


def _sentence(error: BaseException, incident: str) -> str:
    if out_of_memory(error):
        return (
            f"The device ran out of memory {incident}: choose fewer sampling steps, or the gradient method “discrete”."
        )
    if isinstance(error, FloatingPointError):
        return (
            f"The values became infinite or undefined{_where(error)} {incident}: try a lower learning rate or a lower "
            "noise level."
        )
    if disk_is_full(error):
        return f"The server's disk is full, so this could not be written {incident}: try again later."
    return f"Something went wrong on the server {incident}; your image and settings are kept, try again."


def _where(error: BaseException) -> str:
    """The sampling step and its time, if the exception knows them."""
    found = _WHERE.search(str(error))
    return f" at sampling step {found[1]} of {found[2]} (time {found[3]})" if found else ""
