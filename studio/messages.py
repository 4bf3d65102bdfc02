"""What a person reads when something does not work: one sentence, its cause, and what to do."""

from __future__ import annotations

import logging
import secrets

import torch

log = logging.getLogger("studio")


class UserError(Exception):
    """Something a person can put right. Its text is one sentence that is safe to show: no paths, no internals."""


def explain(error: BaseException) -> str:
    """The sentence to show for any exception.

    What is not known gets a short incident number, under which the whole traceback is in the server's log: the
    page never shows a traceback, and the report of a visitor can still be found again.
    """
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        log.exception("Out of memory", exc_info=error)
        return "The device ran out of memory: choose fewer sampling steps, or the gradient method “discrete”."
    if isinstance(error, FloatingPointError):
        log.warning("Not finite", exc_info=error)
        return "The numbers ran out of range on the way: try a lower learning rate or a lower noise level."
    incident = secrets.token_hex(4)
    log.error("Incident %s", incident, exc_info=error)
    return f"Something went wrong on the server (incident {incident}); your image and settings are kept, try again."
