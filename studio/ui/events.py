"""Options and types that every event of the page uses."""

from __future__ import annotations

from typing import Any

from gradio.blocks import Block

Updates = dict[Block, Any]
"""What a handler returns: the new value of each component that changes."""

QUEUED: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of an event that may take long: it waits in Gradio's queue, and may yield several updates."""

QUICK: dict[str, Any] = {**QUEUED, "queue": False}
"""Options of an event that is answered at once."""
