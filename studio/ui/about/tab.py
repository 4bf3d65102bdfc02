"""`about_tab`: the method, the models and their measurements, privacy, citation."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.models.embedded import ASSETS
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.ui.about import figures
from studio.ui.about.models import about_models
from studio.ui.events import QUICK

_BLOCK: dict[str, str | bool] = {"left": "$$", "right": "$$", "display": True}


def about_tab(studio: Studio, loaded: gr.State) -> None:
    """The tab's content, built inside an open `gr.Tab`; `loaded` changes when another model was loaded."""
    with gr.Row(elem_classes="columns", elem_id="about"):
        with gr.Column(scale=6, min_width=340):
            gr.Markdown(figures.PAPER, latex_delimiters=[_BLOCK], elem_classes="reading", elem_id="about-paper")
            models = gr.Markdown(
                about_models(studio.model, studio.public), elem_classes="reading", elem_id="about-models"
            )
            loaded.change(lambda: about_models(studio.model, studio.public), None, models, **QUICK)
            gr.Markdown(figures.PRIVACY, elem_classes="reading", elem_id="about-privacy")
            gr.Markdown(figures.CITE, elem_classes="reading", elem_id="about-cite")
        with gr.Column(scale=5, min_width=340):
            measured = gr.Markdown(
                figures.figures(studio.model.origin.card), elem_classes="reading", elem_id="about-figures"
            )
            loaded.change(lambda: figures.figures(studio.model.origin.card), None, measured, **QUICK)
            samples = gr.Image(
                _samples(studio.model),
                label="Rows: test faces; reconstructions; decoded from z alone; mean image of z; two morphs",
                interactive=False,
                buttons=["fullscreen"],
                elem_id="about-samples",
                alt_text="Rows of clay faces: originals, reconstructions, decodings of z, morphs",
                visible=_samples(studio.model) is not None,
            )
            loaded.change(lambda: _shown_samples(studio.model), None, samples, **QUICK)


def _samples(model: Model) -> str | None:
    """The picture of samples beside the model's card, if there is one."""
    sheet = ASSETS / model.origin.card / "samples.png"
    return str(sheet) if model.origin.card and sheet.is_file() else None


def _shown_samples(model: Model) -> Any:
    found = _samples(model)
    return gr.Image(found, visible=found is not None)
