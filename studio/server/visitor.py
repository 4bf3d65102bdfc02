"""The session and the client address of a Gradio request."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.server.client import client_address


def visitor_name(visitor: gr.Request) -> str:
    """A name that no other open page has: its session."""
    return visitor.session_hash or "local"


def visitor_address(visitor: Any) -> str:
    """The client's address; "" if it is unknown."""
    headers, client = getattr(visitor, "headers", None), getattr(visitor, "client", None)
    return client_address(getattr(client, "host", None) or "", headers.get("x-forwarded-for", "") if headers else "")


def caller_address() -> str:
    """The client's address in a function that Gradio is running; "" elsewhere."""
    return visitor_address(LocalContext.request.get(None))
