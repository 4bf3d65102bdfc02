"""`Blocks`: a page whose every event checks what it was sent, and answers every failure with one sentence.

What the page's own script sends, anybody can send: the events of a page are addresses on a server, "private" or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.core.errors import UserError, explain
from studio.server.cleanup import note_files
from studio.server.uploads import check_files

UNFIT = "This request does not fit the page: load the page again."


def _check_numbers(components: Sequence[Any], values: Sequence[Any]) -> None:
    """Gradio hands on whatever was sent for a slider."""
    for component, value in zip(components, values, strict=False):
        if isinstance(component, gr.Slider | gr.Number) and not _is_number(value):
            raise gr.Error(UNFIT)


def _is_number(value: Any) -> bool:
    try:
        return value is None or (not isinstance(value, str) and math.isfinite(value))
    except (TypeError, OverflowError):
        return False


class Blocks(gr.Blocks):
    """`gr.Blocks` between two fences: files before anything is read, and exceptions before anything is shown."""

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        """The inputs as the handler gets them.

        Raises:
            gr.Error: a file that was not uploaded here, or values that do not fit their components.
        """
        try:
            values: list[Any] = await super().preprocess_data(block_fn, inputs, *args, **kwargs)
            _check_numbers(block_fn.inputs, values)
            return values
        except gr.Error as error:  # a component's own sentence, unless it speaks of Python
            raise gr.Error(UNFIT if "<class" in str(error.message) else error.message, print_exception=False) from None
        except Exception:  # Gradio's own text holds paths
            raise gr.Error(UNFIT, print_exception=False) from None

    async def process_api(self, *args: Any, **kwargs: Any) -> Any:
        """One event, from request to answer.

        Raises:
            gr.Error: with the sentence to show; a handler's own exception is in the log.
        """
        try:
            check_files(kwargs.get("inputs"))
            note_files(self, kwargs.get("state"), kwargs.get("inputs"))
            answer = await super().process_api(*args, **kwargs)
            note_files(self, kwargs.get("state"), answer)
            return answer
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(explain(error), print_exception=False) from None
