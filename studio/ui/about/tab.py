"""`about_tab`: the method, the models and their measurements, privacy, citation."""

from __future__ import annotations

import gradio as gr

from studio.models.embedded import WEIGHTS
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
            gr.Markdown(figures.figures(), elem_classes="reading", elem_id="about-figures")
            sheet = WEIGHTS / "samples.png"
            if sheet.is_file():
                gr.Image(
                    str(sheet),
                    label="Rows: test faces; reconstructions; decoded from z alone; mean image of z; two morphs",
                    interactive=False,
                    buttons=["fullscreen"],
                    elem_id="about-samples",
                    alt_text="Rows of clay faces: originals, reconstructions, decodings of z, morphs",
                )
