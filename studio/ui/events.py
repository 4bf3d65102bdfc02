"""Options and types that every event of the page uses."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import Block

Updates = dict[Block, Any]
"""What a handler returns: the new value of each component that changes."""

QUEUED: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of an event that may take long: it waits in Gradio's queue, and may yield several updates."""

QUICK: dict[str, Any] = {**QUEUED, "queue": False}
"""Options of an event that is answered at once."""

LATEST: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
"""Options of an event whose latest values count: one that comes while another is answered is answered after it, where
Gradio would drop it.
"""


def settled(*changes: Any) -> Any:
    """An event after any of these changes of an image or a choice.

    The changes themselves are sent with the value before: an image that is removed would still be there.
    """
    return gr.on(list(changes), lambda: None, None, None, **LATEST)
