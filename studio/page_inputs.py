"""The page's first two columns: the image, and what to change about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio.goals import GOALS, PROMPTS
from studio.presets import DEFAULT, PRESETS
from studio.settings import Settings, bounds, title

COST_FIELDS = ("mode", "sampling_steps", "noise_level", "optimisation_steps")
Field = gr.Radio | gr.Textbox | gr.Slider | gr.Dropdown | gr.Number
DEFAULTS = Settings(prompt=PROMPTS[0])


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
    image = _picture("Image to change", "first", examples[0] if examples else None)
    _examples(examples, image, "Or choose an example")
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
        second = _picture("Second face", "second", None, height=200)
        _examples(list(reversed(examples)), second, "Or choose a second example")
    with gr.Column(visible=False) as source_box:
        source = _text("source_text")
    with gr.Column() as prompt_box:
        prompt = _text("prompt")
        with gr.Row(elem_classes="chips"):
            chips = [gr.Button(text, size="sm", min_width=60) for text in PROMPTS]
    fields: dict[str, Field] = {"loss": goal, "prompt": prompt, "source_text": source}
    preset = gr.Radio(list(PRESETS), value=DEFAULT, label="Preset", elem_id="preset", elem_classes="segments")
    with gr.Group():
        fields["optimisation_steps"] = _slider("optimisation_steps", 1)
        fields["closeness"] = _slider("closeness", 0.1)
    cost = gr.HTML(elem_id="cost")
    with gr.Accordion("All settings", open=False, elem_id="more"):
        fields |= _more()
        dice = gr.Button("New random seed", size="sm", elem_id="dice")
        restore = gr.UploadButton("Settings from a saved PNG", size="sm", file_types=[".png"], elem_id="restore")
    return Wishes(fields, goal, prompt, second, second_box, prompt_box, source_box, chips, preset, dice, restore, cost)


def _more() -> dict[str, Field]:
    return {
        "mode": _choice("mode", {"sde": "SDE, encoded exactly (Cycle-SDE)", "ode": "ODE (DDIM)"}),
        "sampling_steps": _slider("sampling_steps", 1),
        "noise_level": _slider("noise_level", 0.05),
        "variables": _choice("variables", {"both": "noise and z", "z": "z only", "noise": "noise only"}),
        "z_rate": _slider("z_rate", 0.001),
        "noise_rate": _slider("noise_rate", 0.0001),
        "optimiser": _choice("optimiser", {"adam": "Adam", "sgd": "Gradient descent"}),
        "gradient": _choice(
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


def _picture(label: str, name: str, value: Path | None, height: int = 260) -> gr.Image:
    image = gr.Image(
        value=str(value) if value else None,
        type="filepath",
        sources=["upload", "webcam", "clipboard"],
        label=label,
        height=height,
        buttons=[],
        elem_id=name,
        alt_text=label,
    )
    # Gradio would decode the upload here, before any check of ours, and show its own exception with server paths.
    image.preprocess = _path_only  # type: ignore[method-assign]
    return image


def _path_only(payload: Any) -> str | None:
    return payload.path if payload else None


def _examples(examples: Sequence[Path], image: gr.Image, label: str) -> None:
    if examples:
        gr.Examples(
            [[str(path)] for path in examples],
            image,
            label=label,
            elem_id=f"examples-{image.elem_id}",
            cache_examples=False,
            api_visibility="private",
        )


def _text(field: str) -> gr.Textbox:
    return gr.Textbox(value=getattr(DEFAULTS, field), label=title(field), lines=1, max_length=300, elem_id=field)


def _choice(field: str, names: Mapping[str, str]) -> gr.Dropdown:
    choices = [(text, value) for value, text in names.items()]
    return gr.Dropdown(choices, value=getattr(DEFAULTS, field), label=title(field), elem_id=field)


def _slider(field: str, step: float) -> gr.Slider:
    low, high = bounds(field)
    slider = gr.Slider(low, high, getattr(DEFAULTS, field), step=step, label=title(field), buttons=[], elem_id=field)
    # out of range is refused by Settings, whose sentence names the field
    slider.preprocess = _unchecked  # type: ignore[method-assign]
    return slider


def _unchecked(payload: float) -> float:
    return payload
