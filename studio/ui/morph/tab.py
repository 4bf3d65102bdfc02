"""`morph_tab`: two faces and their morph, beside the plain morph, with the similarities that face networks measure."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.presets import DEFAULT, PRESETS, StepRange, preset_values, suited
from studio.export.recorded_tabs import load_morph
from studio.images.load import load_picture
from studio.models.embedded import morph_examples
from studio.queue.app_state import Stream, Studio, Task
from studio.runs.morph import Morphed, Morphing
from studio.runs.request import Request
from studio.runs.retry import retry_message
from studio.ui import html
from studio.ui.controls import Control, controls
from studio.ui.events import LATEST, QUICK, Updates, settled
from studio.ui.fields import DEFAULTS, example_row, model_input, paper_choice, paper_updates, picture, suit_steps
from studio.ui.job import Job, follow, job_row, wire_job
from studio.ui.likeness.slots import Offer, Slot, offer
from studio.ui.morph import html as morph_html
from studio.ui.morph.downloads import download_row, wire_downloads

_MAIN = ("optimisation_steps", "closeness")
_MORE = (
    "mode", "sampling_steps", "noise_level", "variables", "z_rate", "noise_rate", "optimiser", "gradient",
    "closeness_kind", "seed",
)  # fmt: skip

READY = "Ready: press Morph"


@dataclass(frozen=True)
class _Tab:
    """The components that a morph reads and writes."""

    faces: tuple[gr.Image, gr.Image]
    offers: tuple[Offer, Offer]
    preset: gr.Radio
    paper: gr.Dropdown
    fields: Mapping[str, Control]
    job: Job
    stage: gr.HTML
    panel: gr.HTML
    numbers: gr.HTML
    shown: gr.State


def morph_tab(
    blocks: gr.Blocks, studio: Studio, examples: Sequence[Path], stream: Stream, loaded: gr.State
) -> list[Slot]:
    """The tab's content, built inside an open `gr.Tab`; returns its two faces.

    Args:
        blocks: the page, for its load event.
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first two, which should look alike, and their recorded morph.
        stream: `studio.stream`, or a wrapper around it that a host needs.
        loaded: changes when another model was loaded.
    """
    pair = examples[:2]
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=320):
            faces, offers, preset, paper, fields, chosen = _inputs(examples, pair, studio.model.step_range)
        with gr.Column(scale=8, min_width=340):
            recorded = load_morph() if pair == morph_examples() else None
            current = recorded is not None and recorded.digest == studio.model.digest
            begin = html.recorded_bar("two faces", current, "Morph") if recorded else html.progress_bar(READY)
            job = job_row("morph-", "Morph", begin)
            seen = [model_input(str(path), studio.model.size) for path in pair] if len(pair) == 2 else [None, None]
            first = _result(recorded.morphed) if recorded else _no_result(*seen)
            stage, panel, numbers = (
                gr.HTML(value, elem_id=f"morph-{name}", elem_classes="plain", apply_default_css=False)
                for name, value in zip(("stage", "panel", "numbers"), first, strict=True)
            )
            downloads = download_row(studio.public)
            gr.Markdown(morph_html.WHY, elem_id="morph-why", latex_delimiters=[_BLOCK], elem_classes="reading")
    tab = _Tab(faces, offers, preset, paper, fields, job, stage, panel, numbers, downloads.shown)
    slots = _wire(studio, tab, stream, [*chosen, settled(loaded.change)])
    suit_steps(loaded, fields["sampling_steps"], lambda: studio.model.step_range)
    wire_downloads(downloads, job.message, lambda: studio.model)
    if recorded:  # by an event, so that a session that was deleted has no result to save
        blocks.load(lambda: recorded.morphed, None, downloads.shown, **QUICK)
    return slots


_SHOWN = 6  # examples below each face
_BLOCK: dict[str, str | bool] = {"left": "$$", "right": "$$", "display": True}


def _inputs(
    examples: Sequence[Path], pair: Sequence[Path], steps: StepRange
) -> tuple[tuple[gr.Image, gr.Image], tuple[Offer, Offer], gr.Radio, gr.Dropdown, Mapping[str, Control], list[Any]]:
    gr.Markdown("### Faces")
    with gr.Row(elem_id="morph-faces"):
        faces, offers, chosen = [], [], []
        for k, label in enumerate(("First face", "Second face")):
            with gr.Column(min_width=140):
                face = picture(label, f"morph-{k + 1}", pair[k] if len(pair) == 2 else None, height=190)
                chosen += example_row(examples[:_SHOWN], face)
                faces.append(face)
                offers.append(offer(f"morph-{k + 1}"))
    gr.Markdown(morph_html.CONSENT, elem_classes="hint")
    preset = gr.Radio(list(PRESETS), value=DEFAULT, label="Preset", elem_id="morph-preset", elem_classes="segments")
    paper = paper_choice("morph", "morph-")
    suits = suited("morph")
    fields = controls(_MAIN, "morph-", closeness=suits["closeness"])
    with gr.Accordion("All settings", open=False, elem_id="morph-more"):
        usual = steps.nearest(DEFAULTS.sampling_steps)
        fields |= controls(_MORE, "morph-", z_rate=suits["z_rate"], sampling_steps=usual)
    return (faces[0], faces[1]), (offers[0], offers[1]), preset, paper, fields, chosen


def _wire(studio: Studio, tab: _Tab, stream: Stream, chosen_example: Sequence[Any]) -> list[Slot]:
    names = tuple(tab.fields)

    def work(
        stop: CancelToken, first: str | None, second: str | None, preset: str | None, *values: Any
    ) -> Generator[Updates, None, str]:
        usual = preset_values(preset, studio.model.step_range)
        chosen = {**usual, **dict(zip(names, values, strict=True)), "loss": "morph"}
        request = Request.checked(chosen, first, second, studio.model.size)
        last = yield from follow(tab.job, stream(Task("morph", request), stop), partial(_shown, tab, request))
        if not isinstance(last, Morphed):
            yield {**fresh(first, second), **tab.job.without_result()}
            return ""
        return retry_message(request.settings, last.outcome.settings)

    def fresh(first: str | None, second: str | None, *rest: Any) -> Updates:
        seen = _no_result(*(model_input(face, studio.model.size) for face in (first, second)))
        panels: Updates = dict(zip((tab.stage, tab.panel, tab.numbers), seen, strict=True))
        return {**panels, tab.job.status: html.progress_bar(READY), tab.shown: None}

    def look(request: gr.Request, first: str | None, second: str | None) -> Updates:
        """Another face: no result of the faces before, unless a run is at work."""
        message = ""
        try:
            for path in filter(None, (first, second)):
                load_picture(path, studio.model.size)
        except UserError as error:
            message = html.alert(str(error))
        running = studio.cancel_tokens.running(tab.job.key(request))
        panels = {} if running else fresh(first, second)
        return {**panels, tab.job.message: message}

    def choose(preset: str | None) -> Updates:
        values = preset_values(preset, studio.model.step_range)
        moved: Updates = {field: values[name] for name, field in tab.fields.items() if name in values}
        return {**moved, tab.paper: "", tab.job.message: ""}

    def choose_paper(name: str) -> Updates:
        return paper_updates(name, tab.fields, tab.job.message, studio.model.step_range, lambda _: {tab.preset: None})

    outputs = [tab.stage, tab.panel, tab.numbers, tab.shown]
    inputs = [*tab.faces, tab.preset, *tab.fields.values()]
    wire_job(tab.job, studio.cancel_tokens, work, fresh, inputs, outputs)
    looked = [tab.job.status, tab.job.message, *outputs]
    changed = [settled(face.input, face.clear) for face in tab.faces]
    for event in [*changed, *chosen_example]:
        event.then(look, list(tab.faces), looked, **LATEST)
    fields = list(tab.fields.values())
    tab.preset.input(choose, tab.preset, [*fields, tab.paper, tab.job.message], **LATEST)
    tab.paper.input(choose_paper, tab.paper, [*fields, tab.preset, tab.job.message], **LATEST)
    gr.on([field.input for field in fields], lambda: "", None, tab.paper, **QUICK)
    seen = (look, list(tab.faces), looked)
    return [
        Slot(f"Morph, {name} face", "morph", face, tab.offers[k], seen, [changed[k], *chosen_example[k : k + 1]])
        for k, (name, face) in enumerate(zip(("first", "second"), tab.faces, strict=True))
    ]


def _shown(tab: _Tab, request: Request, event: Morphing | Morphed) -> Updates:
    if isinstance(event, Morphed):
        return _done(tab, event)
    now: Image.Image = event.progress.image
    return {
        tab.job.status: html.progress(event.progress),
        tab.stage: morph_html.stage(request.start, event.plain, now, request.second),
        tab.panel: morph_html.panel(event.of_plain, event.of_now),
    }


def _done(tab: _Tab, event: Morphed) -> Updates:
    return {
        **tab.job.over(html.finished(event.outcome)),
        tab.job.announcement: f"{html.finished(event.outcome)} {morph_html.outcome(event.of_plain, event.of_now)}",
        **dict(zip((tab.stage, tab.panel, tab.numbers), _result(event), strict=True)),
        tab.shown: event,
    }


def _result(event: Morphed) -> tuple[str, str, str]:
    """Pictures, similarities and numbers of a finished morph."""
    stage = morph_html.stage(event.first, event.outcome.before, event.outcome.after, event.second)
    return stage, morph_html.panel(event.of_plain, event.of_now), html.numbers(event.outcome)


def _no_result(first: Image.Image | None, second: Image.Image | None) -> tuple[str, str, str]:
    """The same before a run."""
    return morph_html.stage(first, None, None, second), morph_html.panel((), ()), ""
