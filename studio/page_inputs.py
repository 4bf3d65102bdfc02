"""The page's first two columns: the image, and what to change about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from studio.goals import GOALS, PROMPTS
from studio.page_fields import DEFAULTS, choice, example_row, picture, slider, text
from studio.presets import DEFAULT, PRESETS
from studio.settings import title

COST_FIELDS = ("mode", "sampling_steps", "noise_level", "optimisation_steps")
Field = gr.Radio | gr.Textbox | gr.Slider | gr.Dropdown | gr.Number


@dataclass(frozen=True)
class Wishes:
    """Second column. `fields` holds one component for every field of Settings but the version."""

    fields: Mapping[str, Field]
    goal: gr.Radio
    prompt: gr.Textbox
    second: gr.Image
    second_box: gr.Column
    prompt_box: gr.Column
    source_box: gr.Column
    chips: Sequence[gr.Button]
    preset: gr.Radio
    dice: gr.Button
    restore: gr.UploadButton
    cost: gr.HTML


def start_picture(examples: Sequence[Path]) -> gr.Image:
    """First column: upload, paste, webcam and examples; the first example is there when the page opens."""
    gr.Markdown("### 1 · Your image")
    image = picture("Image to change", "first", examples[0] if examples else None)
    example_row(examples, image, "Or choose an example")
    return image


def wishes(examples: Sequence[Path]) -> Wishes:
    """Goal, what it needs, preset, the two sliders that matter most; the rest is folded away."""
    gr.Markdown("### 2 · What to change")
    goal = gr.Radio(
        [(text, name) for name, text in GOALS.items()],
        value=DEFAULTS.loss,
        label="Goal",
        show_label=False,
        elem_id="goal",
        elem_classes="cards",
    )
    with gr.Column(visible=False, elem_id="second-box") as second_box:
        second = picture("Second face", "second", None, height=200)
        example_row(list(reversed(examples)), second, "Or choose a second example")
    with gr.Column(visible=False) as source_box:
        source = text("source_text")
    with gr.Column() as prompt_box:
        prompt = text("prompt")
        with gr.Row(elem_classes="chips"):
            chips = [gr.Button(text, size="sm", min_width=60) for text in PROMPTS]
    fields: dict[str, Field] = {"loss": goal, "prompt": prompt, "source_text": source}
    preset = gr.Radio(list(PRESETS), value=DEFAULT, label="Preset", elem_id="preset", elem_classes="segments")
    with gr.Group():
        fields["optimisation_steps"] = slider("optimisation_steps", 1)
        fields["closeness"] = slider("closeness", 0.1)
    cost = gr.HTML(elem_id="cost")
    with gr.Accordion("All settings", open=False, elem_id="more"):
        fields |= _more()
        dice = gr.Button("New random seed", size="sm", elem_id="dice")
        restore = gr.UploadButton("Settings from a saved PNG", size="sm", file_types=[".png"], elem_id="restore")
    return Wishes(fields, goal, prompt, second, second_box, prompt_box, source_box, chips, preset, dice, restore, cost)


def _more() -> dict[str, Field]:
    return {
        "mode": choice("mode", {"sde": "SDE, encoded exactly (Cycle-SDE)", "ode": "ODE (DDIM)"}),
        "sampling_steps": slider("sampling_steps", 1),
        "noise_level": slider("noise_level", 0.05),
        "variables": choice("variables", {"both": "noise and z", "z": "z only", "noise": "noise only"}),
        "z_rate": slider("z_rate", 0.001),
        "noise_rate": slider("noise_rate", 0.0001),
        "optimiser": choice("optimiser", {"adam": "Adam", "sgd": "Gradient descent"}),
        "gradient": choice(
            "gradient",
            {
                "discrete": "Discrete adjoint: exact, little memory",
                "adjoint_1": "AdjointDEIS-1",
                "adjoint_2": "AdjointDEIS-2M",
                "unrolled": "Plain autograd: exact, much memory",
            },
        ),
        "seed": gr.Number(value=DEFAULTS.seed, precision=0, label=title("seed"), elem_id="seed"),
    }
