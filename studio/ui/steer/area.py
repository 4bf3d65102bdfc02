"""The inputs for the area that may change: parts by name, a brush, and what is shown outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import UserError
from studio.core.goals import AUTOMATIC, NAMED
from studio.core.settings import Settings, title
from studio.export.player import uri
from studio.images.crop import Crop
from studio.images.load import to_tensor
from studio.models.interface import Model
from studio.runs.area.area import darkened, part_mask, parts_of
from studio.ui.events import Updates
from studio.ui.fields import model_input
from studio.ui.viewers import viewer

_NONE = "The whole picture may change if nothing is chosen or painted, or if the prompt names no single part."


@dataclass(frozen=True)
class AreaInputs:
    """`where` and `painted` hold the settings; a person uses `parts` and `brush` instead."""

    parts: gr.CheckboxGroup
    brush: gr.HTML
    where: gr.Textbox
    painted: gr.Textbox
    outside: gr.Radio

    @property
    def fields(self) -> Mapping[str, Any]:
        """Components by the names of their settings."""
        return {"where": self.where, "painted": self.painted, "outside": self.outside}

    @property
    def all(self) -> list[Block]:
        """What `show_area` updates."""
        return [self.parts, self.brush]


def area_inputs(choices: Sequence[tuple[str, str]]) -> AreaInputs:
    """A closed accordion; `choices` are those of the model (`area_choices`)."""
    with gr.Accordion("Where it may change", open=False, elem_id="area"):
        parts = gr.CheckboxGroup(
            list(choices),
            value=[name for _, name in choices if name == NAMED],
            label=title("where"),
            info=_NONE,
            elem_id="area-parts",
            elem_classes="kept",
        )
        brush = viewer("brush", {}, "brush")
        outside = gr.Radio(
            [("Kept close", "kept"), ("Original pixels", "exact")],
            value="kept",
            label=title("outside"),
            info="Original pixels: the result is composited, with a feathered edge.",
            elem_id="outside-area",
            elem_classes="segments",
        )
        where, painted = (
            gr.Textbox(value, elem_id=name, elem_classes="unseen", container=False)
            for name, value in (("where", NAMED), ("painted", ""))
        )
    return AreaInputs(parts, brush, where, painted, outside)


def area_choices(model: Model) -> list[tuple[str, str]]:
    """Labels and names of the choices."""
    named = [("what the prompt names", NAMED)] if model.parts_of_attributes else []
    return [*named, *((name, name) for name in (AUTOMATIC, *model.part_names))]


class AreaHandlers:
    """Handlers of these inputs.

    Args:
        inputs: the components.
        model: the loaded model, which may be another one later.
        previewed: whether its parts are searched for before a run.
    """

    def __init__(self, inputs: AreaInputs, model: Callable[[], Model], previewed: Callable[[], bool]) -> None:
        self._inputs, self._model, self._previewed = inputs, model, previewed

    def choose(self, parts: Sequence[str]) -> str:
        """`Settings.where` for the parts that are chosen."""
        return ", ".join(parts)

    def paint(self, event: gr.EventData) -> str:
        """`Settings.painted` after a stroke; "" for what is no grid, which `Settings` would refuse."""
        cells = getattr(event, "cells", "")
        return cells if isinstance(cells, str) else ""

    def show(self, path: str | None, where: str, painted: str, *crop: float) -> Updates:
        """The names and the picture with the area, for the settings as they are."""
        names, model = Settings.model_construct(where=where).parts, self._model()
        named = names - {AUTOMATIC, NAMED}
        picture = model_input(path, model.size, Crop.clamped(crop))
        shown, choices = "", area_choices(model)
        if picture is not None:
            start, found = to_tensor(picture).to(model.device), []
            if self._previewed() and named:
                parts = parts_of(model, start)
                for name in sorted(named):
                    try:
                        found.append(part_mask(parts, name))
                    except UserError:  # a run shows the message
                        continue
            mask = sum(found, start=0 * start[:, :1]).clamp(0, 1) if found else None
            shown = uri(picture if mask is None else darkened(start, mask))
        return {
            self._inputs.parts: gr.CheckboxGroup(choices, value=[name for _, name in choices if name in names]),
            self._inputs.brush: {"image": shown, "cells": painted},
        }
