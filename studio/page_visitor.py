"""Who is on the page: what tells two visitors apart, and whose share of the device their runs count to."""

from __future__ import annotations

import os
from typing import Any

import gradio as gr
from gradio.context import LocalContext


def visitor_name(visitor: gr.Request) -> str:
    """What tells two visitors apart: an open page has a name of its own."""
    return visitor.session_hash or "local"


def visitor_address(visitor: Any) -> str:
    """Where they come from; "" where nobody knows.

    On a Space everybody comes through its proxy, which says for whom it asks. A visitor can forge that, and then gets
    a second share of the line, but not a longer line.
    """
    headers, client = getattr(visitor, "headers", None), getattr(visitor, "client", None)
    forwarded = headers.get("x-forwarded-for", "") if headers and os.environ.get("SPACE_ID") else ""
    return forwarded.split(",")[0].strip() or getattr(client, "host", None) or ""


def caller_address() -> str:
    """The address of whoever called the function that is running."""
    return visitor_address(LocalContext.request.get(None))
