"""The sliders and choices of a clay face: one component for every value of a scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from clay.people.dataset import Scene
from clay.people.person import Person
from clay.people.ranges import NUMBERS, OPTIONS, scene_of_values, values_of
from clay.people.view import View
from studio.core.errors import UserError
from studio.ui.fields import AnySlider

GROUPS: dict[str, tuple[str, ...]] = {
    "Hair and skin": (
        "hair_style", "hair_colour", "hair_shade", "hairline", "facial_hair", "skin", "eye_colour", "parting",
    ),
    "Expression and things worn": (
        "expression", "strength", "glasses", "squareness", "hat", "hat_colour", "clothes", "background",
    ),
    "Shape": (
        "head_width", "jaw_width", "jaw_length", "cheeks", "chin", "nose_length", "nose_width", "eye_spacing",
        "eye_size", "eye_height", "lip_fullness", "mouth_width", "brow_thickness", "brow_arch", "brow_height",
        "ear_size",
    ),
    "Pose and light": ("yaw", "pitch", "roll", "gaze", "light_azimuth", "light_elevation"),
}  # fmt: skip
_LABELS = {
    "hair_shade": "Hair length and volume",
    "strength": "Strength of expression",
    "squareness": "Square glasses",
    "skin": "Skin, light to dark",
    "yaw": "Turn sideways",
    "pitch": "Turn down",
    "roll": "Tilt",
}
NAMES = tuple(name for names in GROUPS.values() for name in names)
Field = gr.Slider | gr.Dropdown | gr.Checkbox


def face_fields() -> dict[str, Field]:
    """All components, in accordions of which the first is open."""
    made: dict[str, Field] = {}
    for number, (title, names) in enumerate(GROUPS.items()):
        with gr.Accordion(title, open=number < 1, elem_classes="face-values"):
            made |= {name: _field(name) for name in names}
    return made


def _field(name: str) -> Field:
    label, start = _LABELS.get(name, name.replace("_", " ").capitalize()), values_of((Person(), View()))[name]
    if name == "hat":
        return gr.Checkbox(bool(start), label=label, elem_id="face-hat")
    if name in OPTIONS:
        return gr.Dropdown(list(OPTIONS[name]), value=str(start), label=label, elem_id=f"face-{name}")
    low, high = NUMBERS[name]
    step = 0.1 if name == "skin" else 0.05
    return AnySlider(low, high, float(start), step=step, label=label, buttons=[], elem_id=f"face-{name}")


def scene_of_fields(values: Sequence[Any]) -> Scene:
    """The scene of the components' values, in the order of `NAMES`.

    Raises:
        UserError: a value is none that the components have.
    """
    try:
        return scene_of_values(dict(zip(NAMES, values, strict=True)))
    except ValueError as error:
        raise UserError(str(error)) from error


def filled(fields: Mapping[str, Field], scene: Scene) -> dict[Any, Any]:
    """Every component set to the scene's value."""
    rounded = {name: round(v, 2) if isinstance(v, float) else v for name, v in values_of(scene).items()}
    return {field: rounded[name] for name, field in fields.items()}
