"""Error messages: the cause and the cure, without paths, tracebacks or other internals.

Every failure that is not the user's mistake gets an incident number, and the log has its traceback under that number.
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
# allocators of CUDA, MPS and the CPU do not always raise an exception class of their own
_NO_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|cannot allocate memory", re.I)
_STEP = re.compile(r"step (\d+) of (\d+) \(t = ([\d.e+-]+)\)")


class UserError(Exception):
    """A mistake that the user can correct. Its text is one sentence without paths or internals."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the error is that the device or the machine ran out of memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or one of its causes, is a full disk or an exceeded quota."""
    for _ in range(_DEPTH):
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error and (error.__cause__ or error.__context__)
    return False


def explain(error: BaseException) -> str:
    """The message to show for an exception; everything but a `UserError` is logged."""
    if isinstance(error, UserError):
        return str(error)
    incident = secrets.token_hex(4)
    if isinstance(error, FloatingPointError):
        log.warning("Incident %s: %s", incident, error)
    else:
        log.error("Incident %s", incident, exc_info=error)
    return _message(error, f"(incident {incident})")


def _message(error: BaseException, incident: str) -> str:
    if out_of_memory(error):
        return (
            f"The device ran out of memory {incident}: choose fewer sampling steps, or the gradient method “discrete”."
        )
    if isinstance(error, FloatingPointError):
        return (
            f"The values became infinite or undefined{_step(error)} {incident}: try a lower learning rate or a lower "
            "noise level."
        )
    if disk_is_full(error):
        return f"The server's disk is full, so this could not be written {incident}: try again later."
    return f"Something went wrong on the server {incident}; your image and settings are kept, try again."


def _step(error: BaseException) -> str:
    """The sampling step and its time, if the exception's text contains them."""
    found = _STEP.search(str(error))
    return f" at sampling step {found[1]} of {found[2]} (time {found[3]})" if found else ""
