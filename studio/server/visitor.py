"""Who is on the page: what tells two visitors apart, and whose share of the device their runs count to."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.server.client import address_of


def visitor_name(visitor: gr.Request) -> str:
    """What tells two visitors apart: an open page has a name of its own."""
    return visitor.session_hash or "local"


def visitor_address(visitor: Any) -> str:
    """Where they come from; "" where nobody knows."""
    headers, client = getattr(visitor, "headers", None), getattr(visitor, "client", None)
    return address_of(getattr(client, "host", None) or "", headers.get("x-forwarded-for", "") if headers else "")


def caller_address() -> str:
    """The address of whoever called the function that is running."""
    return visitor_address(LocalContext.request.get(None))
