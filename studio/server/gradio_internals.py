"""Everything that the studio uses of Gradio beyond its documentation, each with its reason.

Checked with Gradio 6.31.0. After an upgrade run tests/studio/server, tests/studio/ui and tests/hostile: they use every
part of this file on a served page.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any

import gradio as gr
from gradio import routes
from gradio.blocks import Block
from gradio.component_meta import ComponentMeta
from jinja2.ext import Extension

_MANIFEST = '<link rel="manifest" href="/manifest.json" />'
Converted = Callable[[], Awaitable[list[Any]]]
Handled = Callable[[], Awaitable[dict[str, Any]]]


class EventBlocks(gr.Blocks):
    """`gr.Blocks` with two hooks around every event; a subclass overrides them.

    Reason: `validator=` gets values only after Gradio has opened the files that a request names, and nothing public
    replaces the text of an exception. `preprocess_data`, `postprocess_data` and `process_api` are undocumented methods.
    """

    async def convert_inputs(self, components: Sequence[Block], convert: Converted) -> list[Any]:
        """The handler's arguments: `await convert()` makes them from what was sent for these components."""
        return await convert()

    async def handle_event(self, state: Any, inputs: Any, handle: Handled) -> dict[str, Any]:
        """The answer to one event: `await handle()` computes it.

        Args:
            state: the session, for `shown_values`.
            inputs: the values as they were sent.
            handle: converts the inputs, calls the handler, and converts what it returns.
        """
        return await handle()

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Gradio's own method, inside `convert_inputs`."""
        convert = partial(super().preprocess_data, block_fn, inputs, *args, **kwargs)
        return await self.convert_inputs(block_fn.inputs, convert)

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        """Gradio's own method, for the outputs that change.

        Reason: for an output without a change it makes a new component all the same, and has the browser draw every
        `gr.HTML` again. With the outputs of a run that took 45 ms of the interpreter's lock, which the run needs too.
        """
        if not isinstance(predictions, dict) or not all(isinstance(key, Block) for key in predictions):
            return await super().postprocess_data(block_fn, predictions, state)
        changes = {key: value for key, value in predictions.items() if not _is_skip(value)}
        changed = copy(block_fn)
        changed.outputs = [output for output in block_fn.outputs if output in changes]
        data = iter(await super().postprocess_data(changed, changes, state) if changes else ())
        return [
            next(data) if output in changes else None if output.stateful else gr.skip() for output in block_fn.outputs
        ]

    async def process_api(self, *args: Any, **kwargs: Any) -> Any:
        """Gradio's own method, inside `handle_event`."""
        handle = partial(super().process_api, *args, **kwargs)
        return await self.handle_event(kwargs.get("state"), kwargs.get("inputs"), handle)


def _is_skip(value: Any) -> bool:
    return isinstance(value, dict) and value == gr.skip()


class PlainSubclass(ComponentMeta):
    """Metaclass for subclasses of components that add no events.

    Reason: Gradio's own metaclass writes a .pyi file beside the module of every subclass.
    """

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        """An ordinary class."""
        return ABCMeta.__new__(cls, name, bases, attributes)


# Sessions. Reason: Gradio keeps a session's state until `state_session_capacity` others exist, and then drops the least
# recently used one, whichever client it belongs to. Nothing public lists or drops sessions.


def session_ids(blocks: gr.Blocks) -> list[str]:
    """The sessions that Gradio holds, the least recently used first."""
    return list(blocks.state_holder.session_data)


def session_state(blocks: gr.Blocks, session: str) -> Any | None:
    """What Gradio holds for a session; None for an unknown one."""
    return blocks.state_holder.session_data.get(session)


def last_used(blocks: gr.Blocks, session: str) -> datetime | None:
    """When the session's last event began; None for an unknown one."""
    return blocks.state_holder.time_last_used.get(session)


def drop_session(blocks: gr.Blocks, session: str) -> Any | None:
    """Remove a session's state, and return it; None for an unknown one."""
    blocks.state_holder.time_last_used.pop(session, None)
    return blocks.state_holder.session_data.pop(session, None)


def shown_values(state: Any) -> list[Any]:
    """The value of every component as the session's page shows it."""
    return [config.get("props", {}).get("value") for config in list(state.config_values.values())]


# Answers that wait to be fetched. Reason: Gradio's queue keeps them without a limit, and nothing public counts them.


def waiting_answers(blocks: gr.Blocks) -> dict[str, int]:
    """Number of answers that wait for each session to fetch them, the oldest session first."""
    return {session: answers.qsize() for session, answers in list(_answers(blocks).items())}


def is_working(blocks: gr.Blocks, session: str) -> bool:
    """Whether an event of this session waits or runs; without a place for its answer it would fail."""
    return bool(blocks._queue.pending_event_ids_session.get(session))


def drop_answers(blocks: gr.Blocks, session: str) -> None:
    """Remove the session's place for answers with all that wait there."""
    _answers(blocks).pop(session, None)


def empty_answers(blocks: gr.Blocks, session: str) -> None:
    """Remove the answers and keep the place, for events of this session that still run."""
    waiting = _answers(blocks).get(session)
    while waiting is not None and not waiting.empty():
        waiting.get_nowait()


def _answers(blocks: gr.Blocks) -> Any:
    return blocks._queue.pending_messages_per_session


# Files. Reason: Gradio deletes files by age (`delete_cache`), not when their session ends.


def file_sets(blocks: gr.Blocks) -> list[set[str]]:
    """The sets in which Gradio keeps the paths of uploads and of files it made; others may change them meanwhile."""
    return list(blocks.temp_file_sets)


def page_files(blocks: gr.Blocks) -> set[str]:
    """Files that belong to the page itself, as examples do."""
    return {path for component in blocks.blocks.values() for path in getattr(component, "keep_in_cache", ())}


def drop_description(app: Any) -> None:
    """Have Gradio write the description of its endpoints anew.

    Reason: it caches the one it wrote first, which holds the host name of the first client's request.
    """
    app.api_info = None


def put_into_head(icon: str) -> None:
    """Put an icon's element into the page as it is first sent, and link the web manifest below the page's own path.

    Reason: Gradio's template links /manifest.json at the server's root, and what `head=` holds is added by a script,
    after the browser has asked for an icon at the root. Below a path of a proxy both are requests to another site.
    """

    class Head(Extension):
        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
            return source.replace(_MANIFEST, f'{icon}<link rel="manifest" href="./manifest.json" />')

    pages = routes.templates.env
    pages.add_extension(Head)
    if pages.cache is not None:  # another page of this process may have been sent before
        pages.cache.clear()
