"""The viewers of the page: `gr.HTML` components with markup and script from assets/studio, NAME.html and NAME.js.

A viewer gets its whole value as JSON (`export.player`, `ui.steer.history`) and sends no further requests for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "studio"


def viewer(name: str, value: Any, elem_id: str) -> gr.HTML:
    """One of stage, pair, recorded, visit and brush, and of photo and likeness, which share a script."""
    own = "faces.js" if name in ("photo", "likeness") else f"{name}.js"
    script = "\n".join((ASSETS / file).read_text(encoding="utf-8") for file in ("common.js", own))
    return gr.HTML(
        value,
        html_template=(ASSETS / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=script,
        elem_id=elem_id,
        elem_classes=["viewer", f"viewer-{name}"],
        apply_default_css=False,
    )
