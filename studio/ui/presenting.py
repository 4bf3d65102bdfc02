"""Presenting: the page on a projector, without mouse, network or history. `python app.py --present`, or `?present=1`.

The keys, the fallback to a recorded run and the fresh page after a pause are in assets/studio/present.js, because they
are about one browser window and not about the server.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "studio"
CSS = ASSETS / "present.css"
IDLE = 180
"""Seconds without a hand on keys, mouse or screen after which the page starts afresh."""


def script(forced: bool, idle: int = IDLE) -> str:
    """The function that a page calls when it has loaded.

    Args:
        forced: present whatever the address says.
        idle: seconds; `?idle=` in the address overrules it.
    """
    body = (ASSETS / "present.js").read_text(encoding="utf-8")
    return f"() => {{\nconst FORCED = {str(forced).lower()}, IDLE = {idle};\n{body}}}"
