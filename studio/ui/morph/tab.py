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
from studio.core.presets import DEFAULT, PRESETS, suited
from studio.images.load import load_picture
from studio.queue.app_state import Stream, Studio, Task
from studio.runs.morph import Morphed, Morphing
from studio.runs.request import Request
from studio.runs.retry import retry_message
from studio.ui import html
from studio.ui.controls import Control, controls
from studio.ui.events import QUICK, Updates
from studio.ui.fields import example_row, picture
from studio.ui.job import Job, follow, job_row, wire_job
from studio.ui.morph import html as morph_html
from studio.ui.morph.downloads import download_row, wire_downloads

_MAIN = ("optimisation_steps", "closeness")
_MORE = (
    "mode", "sampling_steps", "noise_level", "variables", "z_rate", "noise_rate", "optimiser", "gradient",
    "closeness_kind", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class _Tab:
    """The components that a morph reads and writes."""

    faces: tuple[gr.Image, gr.Image]
    preset: gr.Radio
    fields: Mapping[str, Control]
    job: Job
    stage: gr.HTML
    panel: gr.HTML
    numbers: gr.HTML
    shown: gr.State


def morph_tab(studio: Studio, examples: Sequence[Path], stream: Stream) -> None:
    """The tab's content, built inside an open `gr.Tab`.

    Args:
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first two, which should look alike.
        stream: `studio.stream`, or a wrapper around it that a host needs.
    """
    pair = examples[:2]
    size = studio.model.size
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=320):
            faces, preset, fields = _inputs(examples, pair)
        with gr.Column(scale=8, min_width=340):
            job = job_row("morph-", "Morph")
            seen = [load_picture(path, size) for path in pair] if len(pair) == 2 else [None, None]
            stage = gr.HTML(
                morph_html.stage(seen[0], None, None, seen[1]),
                elem_id="morph-stage",
                elem_classes="plain",
                apply_default_css=False,
            )
            panel = gr.HTML(
                morph_html.panel((), ()), elem_id="morph-panel", elem_classes="plain", apply_default_css=False
            )
            numbers = gr.HTML("", elem_id="morph-numbers", elem_classes="plain", apply_default_css=False)
            downloads = download_row(studio.public)
            gr.Markdown(morph_html.WHY, elem_id="morph-why", latex_delimiters=[_BLOCK], elem_classes="reading")
    _wire(studio, _Tab(faces, preset, fields, job, stage, panel, numbers, downloads.shown), stream)
    wire_downloads(downloads, job.message, studio.model)


_SHOWN = 6  # examples below each face
_BLOCK: dict[str, str | bool] = {"left": "$$", "right": "$$", "display": True}


def _inputs(
    examples: Sequence[Path], pair: Sequence[Path]
) -> tuple[tuple[gr.Image, gr.Image], gr.Radio, Mapping[str, Control]]:
    gr.Markdown("### Faces")
    with gr.Row(elem_id="morph-faces"):
        faces = []
        for k, label in enumerate(("First face", "Second face")):
            with gr.Column(min_width=140):
                face = picture(label, f"morph-{k + 1}", pair[k] if len(pair) == 2 else None, height=190)
                example_row(examples[:_SHOWN], face)
                faces.append(face)
    gr.Markdown(morph_html.CONSENT, elem_classes="hint")
    preset = gr.Radio(list(PRESETS), value=DEFAULT, label="Preset", elem_id="morph-preset", elem_classes="segments")
    suits = suited("morph")
    fields = controls(_MAIN, "morph-", closeness=suits["closeness"])
    with gr.Accordion("All settings", open=False, elem_id="morph-more"):
        fields |= controls(_MORE, "morph-", z_rate=suits["z_rate"])
    return (faces[0], faces[1]), preset, fields


def _wire(studio: Studio, tab: _Tab, stream: Stream) -> None:
    names, size = tuple(tab.fields), studio.model.size

    def work(
        stop: CancelToken, first: str | None, second: str | None, preset: str | None, *values: Any
    ) -> Generator[Updates, None, str]:
        chosen = {**PRESETS.get(preset or "", {}), **dict(zip(names, values, strict=True)), "loss": "morph"}
        request = Request.checked(chosen, first, second, size)
        last = yield from follow(tab.job, stream(Task("morph", request), stop), partial(_shown, tab, request))
        if not isinstance(last, Morphed):
            yield tab.job.without_result()
            return ""
        return retry_message(request.settings, last.outcome.settings)

    def look(first: str | None, second: str | None) -> Updates:
        try:
            seen = [load_picture(path, size) if path else None for path in (first, second)]
        except UserError as error:
            return {tab.job.message: html.alert(str(error))}
        return {tab.job.message: "", tab.stage: morph_html.stage(seen[0], None, None, seen[1])}

    def choose(preset: str | None) -> Updates:
        values = PRESETS.get(preset or "", {})
        moved: Updates = {field: values[name] for name, field in tab.fields.items() if name in values}
        return moved or {tab.fields["optimisation_steps"]: gr.skip()}

    outputs = [tab.stage, tab.panel, tab.numbers, tab.shown]
    wire_job(tab.job, studio.cancel_tokens, work, [*tab.faces, tab.preset, *tab.fields.values()], outputs)
    gr.on([face.change for face in tab.faces], look, list(tab.faces), [tab.job.message, tab.stage], **QUICK)
    tab.preset.input(choose, tab.preset, list(tab.fields.values()), **QUICK)


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
        tab.stage: morph_html.stage(event.first, event.outcome.before, event.outcome.after, event.second),
        tab.panel: morph_html.panel(event.of_plain, event.of_now),
        tab.numbers: html.numbers(event.outcome),
        tab.shown: event,
    }
