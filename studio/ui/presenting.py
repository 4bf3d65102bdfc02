"""Presentation mode, for a projector: `python app.py --present`, or `?present=1` in the address.

Keys, the fallback to a recorded run and the reload after a pause are in assets/studio/present.js, because they concern
one browser window and not the server.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "studio"
IDLE = 180
"""Seconds without input from keys, mouse or screen after which the page reloads."""


def style() -> str:
    """The style sheet. Gradio adds two classes to the selectors of the page's other rules: the mode's class outweighs
    them by repetition.
    """
    return (ASSETS / "present.css").read_text(encoding="utf-8").replace(".presenting", 5 * ".presenting")


def script(forced: bool, idle: int = IDLE) -> str:
    """The JavaScript function that the page calls when it has loaded.

    Args:
        forced: use the mode without `?present=1`.
        idle: seconds; `?idle=` in the address replaces it.
    """
    body = (ASSETS / "present.js").read_text(encoding="utf-8")
    return f"() => {{\nconst FORCED = {str(forced).lower()}, IDLE = {idle};\n{body}}}"
