"""When a visitor leaves: their jobs stop at once; their files and what the page held for them go a little later.

Later, because a telephone that falls asleep looks like a closed tab, and wakes up again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Timer
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.api_uploads import folder
from studio.page_visitor import visitor_name
from studio.stops import Stops

_SEEN = "files_of_this_visit"
STAY = 600.0
"""Seconds for which a visitor who seems to have left may come back."""
SESSIONS = 100
"""How many visits are remembered at most; each holds the page as it stands, half a megabyte and more."""


def wire_leaving(blocks: gr.Blocks, stops: Stops) -> None:
    """Have visitors forgotten `STAY` seconds after they have left."""

    def leave(visitor: gr.Request) -> None:
        name = visitor_name(visitor)
        stops.leave(name)
        _later(blocks, name, STAY)

    blocks.unload(leave)


def note_files(visit: Any, values: Any) -> None:
    """Remember what an event brought or gave; `visit` is what Gradio holds of one."""
    if visit is not None:
        visit.__dict__.setdefault(_SEEN, set()).update(_files(values))


def forget_later() -> None:
    """Called in a program's job: programs never say that they leave, so their visit ends `STAY` after its last use."""
    blocks, caller = LocalContext.blocks.get(None), LocalContext.request.get(None)
    session = getattr(caller, "session_hash", None)
    if isinstance(blocks, gr.Blocks) and session:
        _later(blocks, session, STAY)


def forget(blocks: gr.Blocks, session: str) -> None:
    """Drop what Gradio holds for a visit (it would keep the page's whole state), and delete its files.

    A file that another visit shows too stays: equal pictures are stored once.
    """
    holder: Any = blocks.state_holder
    gone = holder.session_data.pop(session, None)
    holder.time_last_used.pop(session, None)
    if gone is None:
        return
    others = set(_kept(blocks)).union(*(_of_visit(other) for other in list(holder.session_data.values())))
    for path in _of_visit(gone) - others:
        with suppress(OSError):
            Path(path).unlink()
        for known in blocks.temp_file_sets:
            known.discard(path)


def _later(blocks: gr.Blocks, session: str, stay: float) -> None:
    def look() -> None:
        used = blocks.state_holder.time_last_used.get(session)
        idle = (datetime.now() - used).total_seconds() if used else stay
        if idle < stay:  # they came back
            _later(blocks, session, stay)
        else:
            forget(blocks, session)

    timer = Timer(stay, look)
    timer.daemon = True
    timer.start()


def _of_visit(visit: Any) -> set[str]:
    seen: set[str] = visit.__dict__.get(_SEEN, set())
    return seen | _files(visit.config_values)


def _kept(blocks: gr.Blocks) -> Iterator[str]:
    """Files that belong to the page itself: examples."""
    for component in blocks.blocks.values():
        yield from getattr(component, "keep_in_cache", ())


def _files(held: Any) -> set[str]:
    """Paths below Gradio's folder in what a page holds."""
    found: set[str] = set()
    todo = [held]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and Path(path).is_relative_to(folder()):
                found.add(path)
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one
    return found
