"""The components of the Steer tab, made once: handlers are called with values, and no component keeps any."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
import pytest

from studio.models.interface import Model
from studio.ui.steer.inputs import Form, goal_inputs, start_inputs
from studio.ui.steer.outputs import Downloads, Outputs, download_row, output_column


@dataclass(frozen=True)
class Components:
    """The inputs and outputs of the Steer tab."""

    form: Form
    outputs: Outputs
    downloads: Downloads


@pytest.fixture(scope="session")
def components(model: Model) -> Components:
    with gr.Blocks():
        form = Form(start_inputs([]), goal_inputs([]))
        outputs = output_column(None, lambda: model, form.start.reconstruct)
        return Components(form, outputs, download_row(outputs.save_photo, model.size))
