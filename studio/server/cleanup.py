"""When a visitor leaves: their jobs stop at once; their files and what the page held for them go a little later.

Later, because a telephone that falls asleep looks like a closed tab, and wakes up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep, time
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.queue.cancel import CancelTokens
from studio.server.uploads import folder
from studio.server.visitor import visitor_name

_SEEN = "files_of_this_visit"
STAY = 600.0
"""Seconds for which a visitor who seems to have left may come back."""
SESSIONS = 200
"""How many visits are remembered at most; each holds the page as it stands, half a megabyte and more."""


class Departures:
    """Who has left, and when they will be forgotten. A thread looks after them while there are any."""

    def __init__(self, blocks: gr.Blocks) -> None:
        self._blocks, self._lock = blocks, Lock()
        self._due: dict[str, float] = {}
        self._looking = False

    def add(self, session: str) -> None:
        """Forget this visit when it was not used for `STAY` seconds."""
        with self._lock:
            self._due[session] = monotonic() + STAY
        self.watch()

    def watch(self) -> None:
        """Look after files too that belong to nobody yet."""
        with self._lock:
            if not self._looking:
                self._looking = True
                Thread(target=self._look, daemon=True, name="studio-departures").start()

    def _look(self) -> None:
        while True:
            sleep(min(STAY / 2, 30))
            waiting = sweep(self._blocks)
            with self._lock:
                late = [session for session, due in self._due.items() if due <= monotonic()]
            for session in late:
                with suppress(RuntimeError):  # a visit changed while it was looked through: next time
                    self._settle(session)
            with self._lock:
                if not self._due and not waiting:
                    self._looking = False
                    return

    def _settle(self, session: str) -> None:
        """Forget them, or look again later: they came back, or an event that was still under way brought them back."""
        holder: Any = self._blocks.state_holder
        used = holder.time_last_used.get(session)
        idle = (datetime.now() - used).total_seconds() if used else STAY
        there = session in holder.session_data
        if there and idle >= STAY:
            forget(self._blocks, session)
        with self._lock:
            if there:
                self._due[session] = monotonic() + STAY
            else:
                del self._due[session]


def wire_leaving(blocks: gr.Blocks, cancel_tokens: CancelTokens) -> None:
    """Have visitors forgotten `STAY` seconds after they have left."""
    departures = Departures(blocks)
    blocks.departures = departures  # type: ignore[attr-defined]

    def leave(visitor: gr.Request) -> None:
        name = visitor_name(visitor)
        cancel_tokens.cancel_all(name)
        departures.add(name)

    blocks.unload(leave)


def note_files(blocks: gr.Blocks, visit: Any, values: Any) -> None:
    """Remember what an event brought or gave; `visit` is what Gradio holds of one.

    Only files that were uploaded or made here are remembered, under the very names that they were given: whatever is
    noted will be deleted, and a path is text that anybody can write.
    """
    if visit is not None:
        visit.__dict__.setdefault(_SEEN, set()).update(_files(blocks, values))


def forget_later() -> None:
    """Called in a program's job: programs never say that they leave, so their visit ends `STAY` after its last use."""
    blocks, caller = LocalContext.blocks.get(None), LocalContext.request.get(None)
    session = getattr(caller, "session_hash", None)
    departures = getattr(blocks, "departures", None)
    if departures is not None and session:
        departures.add(session)


def forget(blocks: gr.Blocks, session: str) -> None:
    """Drop what Gradio holds for a visit (it would keep the page's whole state), and delete its files.

    A file that another visit shows too stays: equal pictures are stored once.
    """
    holder: Any = blocks.state_holder
    gone = holder.session_data.pop(session, None)
    holder.time_last_used.pop(session, None)
    if gone is None:
        return
    delete(blocks, _of_visit(blocks, gone) - in_use(blocks))


def in_use(blocks: gr.Blocks) -> set[str]:
    """Files that the page or any visit shows."""
    visits = list(blocks.state_holder.session_data.values())
    return set(_kept(blocks)).union(*(_of_visit(blocks, visit) for visit in visits))


def delete(blocks: gr.Blocks, paths: Iterable[str]) -> None:
    """Delete files of Gradio's own folder, and nothing else."""
    for path in paths:
        if Path(path).resolve().is_relative_to(folder()):
            with suppress(OSError):
                Path(path).unlink()
        for known in list(blocks.temp_file_sets):
            known.discard(path)


def sweep(blocks: gr.Blocks) -> int:
    """Delete what nobody shows and was not touched for `STAY` seconds: uploads that no event ever used. How many
    others wait for that.

    Gradio's own round would do it an hour later, and ends for good when an upload comes while it looks.
    """
    files = {path for known in list(blocks.temp_file_sets) for path in list(known)} - set(_kept(blocks))
    if not files:
        return 0
    unused = files - in_use(blocks)
    late = {path for path in unused if _touched(path) < time() - STAY}
    delete(blocks, late)
    return len(unused - late)


def _touched(path: str) -> float:
    try:
        return Path(path).lstat().st_mtime
    except OSError:
        return 0.0  # gone: forgotten with the rest


def _of_visit(blocks: gr.Blocks, visit: Any) -> set[str]:
    seen: set[str] = visit.__dict__.get(_SEEN, set())
    return seen | _files(blocks, visit.config_values)


def _kept(blocks: gr.Blocks) -> Iterator[str]:
    """Files that belong to the page itself: examples."""
    for component in blocks.blocks.values():
        yield from getattr(component, "keep_in_cache", ())


def _files(blocks: gr.Blocks, held: Any) -> set[str]:
    """The files in what a page holds that were uploaded or made here."""
    sets = list(blocks.temp_file_sets)
    found: set[str] = set()
    todo = [held]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and any(path in known for known in sets):
                found.add(path)
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one
    return found
