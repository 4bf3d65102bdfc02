"""A chain of edits: the edits so far, Undo, the strength of the latest one, and the button that goes on from it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import gradio as gr
from gradio.blocks import Block

from studio.runs.events import Outcome
from studio.runs.kept_run import KeptRun
from studio.ui.events import Updates
from studio.ui.fields import AnySlider

STRONGEST = 1.5


@dataclass(frozen=True)
class Edited:
    """One edit of a chain."""

    outcome: Outcome
    kept: KeptRun


Chain = tuple[Edited, ...]
"""The latest edit last; empty where no edit can go on."""


@dataclass(frozen=True)
class ChainOutputs:
    """The components; hidden while there is no edit from which another one can go on."""

    box: gr.Row
    trail: gr.HTML
    strength: gr.Slider
    further: gr.Button
    undo: gr.Button
    edits: gr.State

    @property
    def parts(self) -> list[Block]:
        """Those that `shown` updates."""
        return [self.box, self.trail, self.strength, self.further, self.undo, self.edits]

    def shown(self, chain: Chain) -> Updates:
        """The edits of a chain."""
        goes_on = bool(chain) and chain[-1].kept.chains
        strength = chain[-1].outcome.strength if chain else 1.0
        return {
            self.box: gr.Row(visible=goes_on),
            self.trail: trail(chain) if goes_on else "",
            self.strength: strength,
            self.further: gr.Button(visible=goes_on),
            self.undo: gr.Button(visible=goes_on),
            self.edits: chain if goes_on else (),
        }


def chain_outputs() -> ChainOutputs:
    """A row below the goal of the run."""
    with gr.Row(elem_id="chain", visible=False) as box:
        shown = gr.HTML("", elem_id="trail", elem_classes="plain")
        strength = AnySlider(
            0, STRONGEST, 1.0, step=0.05, label="Strength", buttons=[], elem_id="strength", min_width=160
        )
        further = gr.Button("Edit further", size="sm", visible=False, elem_id="further", min_width=110)
        undo = gr.Button("Undo", size="sm", visible=False, elem_id="undo", min_width=80)
    return ChainOutputs(box, shown, strength, further, undo, gr.State(()))


def trail(chain: Chain) -> str:
    """The prompts of the edits, in order."""
    items = "".join(f"<li>{escape(one.outcome.settings.prompt)}</li>" for one in chain)
    return f'<ol aria-label="Edits so far">{items}</ol>'
