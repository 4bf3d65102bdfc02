"""The header of the page: its title, the loaded model and what it needs, and the choice of another model.

One model is loaded, for all visitors. `ModelPicker.loaded` holds the name of the model that this page shows; each tab
follows its `change`, which comes after a switch on this page, and, after one on another page, with the next run here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import gradio as gr

from studio.core.errors import explain
from studio.core.goals import GOALS
from studio.core.presets import DEFAULT, preset_values
from studio.core.settings import parse
from studio.models.catalogue.detect import find_entry
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.models.status import needed
from studio.queue.app_state import Studio
from studio.queue.device import CONCURRENT_RUNS
from studio.runs.capabilities import unavailable
from studio.runs.events import Waiting
from studio.server.client import client_address
from studio.ui import html
from studio.ui.events import QUEUED, QUICK, Updates

NOT_FOR = "Not with this model"


@dataclass(frozen=True)
class ModelPicker:
    """The components: the model that the page shows, the choice, and a line about the loaded model."""

    loaded: gr.State
    choice: gr.Dropdown
    line: gr.HTML

    @property
    def all(self) -> list[gr.blocks.Block]:
        """All of them."""
        return [self.loaded, self.choice, self.line]


def model_picker(studio: Studio, title: str) -> ModelPicker:
    """The header, built inside an open `gr.Blocks`; without a choice if the studio offers one model.

    Args:
        studio: the loaded model, and those that are offered.
        title: Markdown.
    """
    models = studio.models
    names = models.names if models and len(models.names) > 1 else ()
    with gr.Row(elem_id="top"):
        gr.Markdown(title, elem_id="head")
        with gr.Column(scale=0, min_width=330, elem_id="model-box"):
            choice = gr.Dropdown(
                [(_title(name), name) for name in names],
                value=models.name if models and names else None,
                label="Model",
                show_label=False,
                container=False,
                elem_id="model",
                visible=bool(names),
            )
            line = gr.HTML(loaded_line(studio), elem_id="model-line", elem_classes="plain", apply_default_css=False)
    return ModelPicker(gr.State(models.name if models else None), choice, line)


def wire_picker(blocks: gr.Blocks, studio: Studio, picker: ModelPicker, runs: Sequence[gr.Button]) -> None:
    """Wire the switch; `runs` are the buttons that show a switch on another page."""
    if not studio.models or len(studio.models.names) < 2:
        return
    handlers = PickerHandlers(studio, studio.models, picker)
    # `change`, which also follows an update by the page: `input` would come with every loss of focus too
    picker.choice.change(handlers.switch, picker.choice, picker.all, concurrency_limit=CONCURRENT_RUNS, **QUEUED)
    gr.on([blocks.load, *(button.click for button in runs)], handlers.follow, picker.loaded, picker.all, **QUICK)


class PickerHandlers:
    """What happens when another model is chosen.

    Args:
        studio: holds the loaded model.
        models: those that are offered.
        picker: the components.
    """

    def __init__(self, studio: Studio, models: Holder, picker: ModelPicker) -> None:
        self._studio, self._models, self._picker = studio, models, picker

    def switch(self, name: str, request: gr.Request) -> Iterator[Updates]:
        """Wait for the runs that came before, load the model, and show what is loaded then."""
        picker, failure = self._picker, ""
        if name == self._models.name:
            yield {picker.line: gr.skip()}
            return
        yield {picker.choice: gr.Dropdown(interactive=False), picker.line: html.note(_waiting(0))}
        try:
            stop = self._studio.cancel_tokens.new_token(client_address(request))
            for event in self._studio.switch(name, stop):
                if isinstance(event, Waiting):
                    yield {picker.line: html.note(_waiting(event.ahead))}
                elif event is None:
                    yield {picker.line: gr.skip()}
        except Exception as error:
            failure = html.alert(explain(error))
        yield {**self._now(failure), picker.choice: gr.update(value=self._models.name, interactive=True)}

    def follow(self, shown: str | None) -> Updates:
        """Another visitor may have switched since this page was loaded."""
        now = self._models.name
        if now is None or now == shown:  # None: a switch is under way, and its end is shown by its page
            return {self._picker.line: gr.skip()}
        return {**self._now(), self._picker.choice: now}

    def _now(self, failure: str = "") -> Updates:
        return {self._picker.loaded: self._models.name, self._picker.line: failure + loaded_line(self._studio)}


def loaded_line(studio: Studio) -> str:
    """Name, licence and memory of the loaded model, and the goals that it cannot serve, as HTML."""
    model = studio.model
    several = studio.models is not None and len(studio.models.names) > 1
    facts = [] if several else [f"Model: <b>{escape(model.name)}</b>"]
    if model.origin.licence:
        facts.append(f"Licence: {escape(model.origin.licence)}")
    facts.append(f"Memory: {_memory(studio)}")
    # read by the page: a suggested prompt starts a run
    quick = " data-quick" if model.quick else ""
    return f'<p class="hint"{quick}>{". ".join(facts)}.</p>{_missing(model)}'


def _memory(studio: Studio) -> str:
    memory = studio.cost(parse(preset_values(DEFAULT, studio.model.step_range))).memory
    return "not known" if memory is None else f"about {html.size(memory)} (preset {DEFAULT})"


def _missing(model: Model) -> str:
    labels = [GOALS[name].line for name in unavailable(model)]
    return f'<p class="hint">{NOT_FOR}: {escape(", ".join(labels))}.</p>' if labels else ""


def _waiting(ahead: int) -> str:
    if ahead:
        runs = "run" if ahead == 1 else "runs"
        return f"Waiting for {ahead} {runs} to end."
    return "Loading the model; the one before is freed first."


def _title(name: str) -> str:
    entry = find_entry(name)
    return f"{entry.title} ({needed(entry)})"
