"""`Blocks`: checks what every event of the page was sent, and answers every failure with one sentence.

The events of a page are addresses on a server: any client can call them, "private" ones too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import UserError, explain
from studio.server.cleanup import SessionCleaner
from studio.server.gradio_internals import Converted, EventBlocks, Handled
from studio.server.uploads import check_files

UNFIT = "This request does not fit the page: load the page again."


class Blocks(EventBlocks):
    """`gr.Blocks` that checks files before they are opened and exceptions before they are shown.

    `cleaner` deletes its sessions and their files.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cleaner = SessionCleaner(self)

    async def convert_inputs(self, components: Sequence[Block], convert: Converted) -> list[Any]:
        """The inputs as the handler gets them.

        Raises:
            gr.Error: a file that was not uploaded here, or a value that does not fit its component.
        """
        try:
            values = await convert()
            _check_numbers(components, values)
            return values
        except gr.Error as error:  # a component's own sentence, unless it names Python classes
            raise gr.Error(UNFIT if "<class" in str(error.message) else error.message, print_exception=False) from None
        except Exception:  # Gradio's own text holds paths
            raise gr.Error(UNFIT, print_exception=False) from None

    async def handle_event(self, state: Any, inputs: Any, handle: Handled) -> dict[str, Any]:
        """One event, from request to answer.

        Raises:
            gr.Error: with the sentence to show; a handler's own exception is in the log.
        """
        try:
            check_files(inputs)
            self.cleaner.record_files(state, inputs)
            answer = await handle()
            self.cleaner.record_files(state, answer)
            return answer
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from None
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(explain(error), print_exception=False) from None


def _check_numbers(components: Sequence[Block], values: Sequence[Any]) -> None:
    """Gradio passes on whatever was sent for a slider."""
    for component, value in zip(components, values, strict=False):
        if isinstance(component, gr.Slider | gr.Number) and not _is_number(value):
            raise gr.Error(UNFIT)


def _is_number(value: Any) -> bool:
    try:
        return value is None or (not isinstance(value, str) and math.isfinite(value))
    except (TypeError, OverflowError):
        return False
