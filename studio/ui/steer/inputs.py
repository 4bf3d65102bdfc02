"""The left column of the Steer tab: the picture and the goal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.goals import BACKGROUND, PERSON, PROMPTS, offered
from studio.core.presets import ANY, DEFAULT, PRESETS, StepRange, preset_of
from studio.core.settings import MIX, Settings, title
from studio.export.player import uri
from studio.export.recordings import Recording
from studio.ui.controls import controls
from studio.ui.events import Updates
from studio.ui.fields import CONSENT, DEFAULTS, example_row, paper_choice, picture, slider, text
from studio.ui.likeness.slots import Offer, offer
from studio.ui.steer.area import AreaInputs, area_inputs
from studio.ui.steer.faces import FacePanel, face_panel
from studio.ui.viewers import viewer

COST_FIELDS = (
    "loss", "mode", "order", "sampling_steps", "noise_level", "optimisation_steps", "gradient", "where", "painted",
)  # fmt: skip
FIRST_CROP = ("crop_zoom", "crop_x", "crop_y", "crop_turn")
SECOND_CROP = ("second_zoom", "second_x", "second_y", "second_turn")
_MORE = (
    "mode", "order", "sampling_steps", "noise_level", "variables", "z_rate", "noise_rate", "optimiser", "gradient",
    "closeness_kind",
)  # fmt: skip
NEED_FIELDS = ("loss", *MIX)
Field = gr.Radio | gr.Textbox | gr.Slider | gr.Dropdown | gr.Number


@dataclass(frozen=True)
class StartInputs:
    """The picture to change: upload, recorded examples, faces found in it, a warning, crop.

    `chosen`: the event of a choice among plain examples, for a model without recorded ones.
    """

    image: gr.Image
    recorded: gr.HTML
    chosen: Sequence[Any]
    reconstruct: gr.Button
    faces: FacePanel
    offer: Offer
    outside: gr.HTML
    seen: gr.HTML
    fields: Mapping[str, Field]


@dataclass(frozen=True)
class GoalInputs:
    """The goal. `fields` holds one component for every field of Settings except the version and the first crop."""

    fields: Mapping[str, Field]
    prompt: gr.Textbox
    keep: gr.CheckboxGroup
    area: AreaInputs
    second: gr.Image
    second_box: gr.Column
    second_note: gr.HTML
    second_seen: gr.HTML
    second_faces: FacePanel
    prompt_box: gr.Column
    source_box: gr.Column
    mix_box: gr.Column
    chips: Sequence[gr.Button]
    preset: gr.Radio
    paper: gr.Dropdown
    dice: gr.Button
    again: gr.Button
    restore: gr.File
    live: gr.Checkbox
    cost: gr.HTML
    read: gr.HTML

    def needed(self, settings: Settings) -> Updates:
        """Show the inputs that these settings need, and hide the others."""
        second = settings.needs_second_picture
        return {
            self.mix_box: gr.Column(visible=bool(settings.goal.parts)),
            self.second_box: gr.Column(visible=second),
            self.second: gr.Image(label=settings.goal.second_label) if second else gr.skip(),
            self.prompt_box: gr.Column(visible=settings.needs_prompt),
            self.keep: gr.CheckboxGroup(visible=settings.goal.keeps),
            self.source_box: gr.Column(visible=settings.needs_source_text),
            self.second_note: "",
        }

    @property
    def boxes(self) -> list[Block]:
        """The components that `needed` shows or hides."""
        shown = [self.mix_box, self.second_box, self.second, self.prompt_box, self.keep, self.source_box]
        return [*shown, self.second_note]


@dataclass(frozen=True)
class Form:
    """All inputs: one component for every field of Settings except the version."""

    start: StartInputs
    goal: GoalInputs

    @property
    def fields(self) -> dict[str, Field]:
        """Components by the names of their settings."""
        return {**self.goal.fields, **self.start.fields}

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of the fields by name."""
        return dict(zip(self.fields, values, strict=True))

    def filled(self, settings: Settings, steps: StepRange = ANY) -> Updates:
        """Every field set to these settings, and the boxes that they need; `steps` as for `preset_of`."""
        values: Updates = {field: getattr(settings, name) for name, field in self.fields.items()}
        return {
            **values,
            **self.goal.needed(settings),
            self.goal.preset: preset_of(settings, steps),
            self.goal.paper: "",
        }


def labelled(attribute: str) -> tuple[str, str]:
    """An attribute as a choice of the page, and its name."""
    return attribute.replace("_", " "), attribute


def start_inputs(examples: Sequence[Path], recordings: Sequence[Recording] = ()) -> StartInputs:
    """Upload, clipboard, webcam, and recorded examples; the page opens with the first of them."""
    gr.Markdown("### 1 · Face")
    pictures = {path.stem: path for path in examples}
    first = next((pictures[one.image] for one in recordings if one.image in pictures), None)
    with gr.Row(elem_id="face"):
        image = picture("Image to change", "first", first or (examples[0] if examples else None), height=200)
        recorded = viewer("recorded", [_thumbnail(one) for one in recordings], "recorded")
    chosen = [] if recordings else example_row(examples, image)
    gr.HTML(CONSENT, elem_classes="plain", apply_default_css=False)
    reconstruct = gr.Button("Check reconstruction", size="sm", elem_id="reconstruct")
    faces, likeness = face_panel("photo"), offer("first")
    outside = gr.HTML("", elem_id="outside", apply_default_css=False)
    with gr.Accordion("Crop", open=False, elem_id="crop"):
        seen = _seen("seen")
        fields = _crop(FIRST_CROP)
    return StartInputs(image, recorded, chosen, reconstruct, faces, likeness, outside, seen, fields)


def goal_inputs(
    examples: Sequence[Path], attributes: Iterable[str] = (), areas: Sequence[tuple[str, str]] = ()
) -> GoalInputs:
    """Goal, the inputs it needs, preset and the two main sliders; all other settings are in a closed accordion.

    Args:
        examples: pictures for the second picture.
        attributes: of the model, which an edit keeps or lets change.
        areas: labels and names of the parts of the picture to which a change can be confined.
    """
    gr.Markdown("### 2 · Goal")
    goal = gr.Radio(
        [(one.line, one.name) for one in offered("steer")],
        value=DEFAULTS.loss,
        label="Goal",
        show_label=False,
        elem_id="goal",
        elem_classes="cards",
    )
    fields: dict[str, Field] = {"loss": goal}
    with gr.Column(visible=False, elem_id="mix") as mix_box, gr.Group():
        fields |= {name: slider(name, 0.1) for name in MIX}
    with gr.Column(visible=False, elem_id="second-box") as second_box:
        second_note = gr.HTML("", elem_id="second-note", elem_classes="plain message")
        second = picture("Second face", "second", None, height=200)
        example_row(list(reversed(examples)), second)
        gr.HTML(CONSENT, elem_classes="plain", apply_default_css=False)
        second_faces = face_panel("second-photo")
        with gr.Accordion("Crop, second picture", open=False):
            second_seen = _seen("second-seen")
            fields |= _crop(SECOND_CROP)
    with gr.Column(visible=False) as source_box:
        fields["source_text"] = text("source_text")
    with gr.Column(elem_classes="tight") as prompt_box:
        prompt = fields["prompt"] = text("prompt")
        with gr.Row(elem_classes="chips"):
            chips = [gr.Button(one, size="sm", min_width=60) for one in PROMPTS]
    names = [*attributes, PERSON, BACKGROUND]
    keep = gr.CheckboxGroup(
        [labelled(name) for name in names],
        value=names,
        label="Keep",
        elem_id="keep-attributes",
        elem_classes="kept",
    )
    fields["may_change"] = gr.Textbox("", elem_id="may_change", elem_classes="unseen", container=False)
    area = area_inputs(areas)
    fields |= area.fields
    read = gr.HTML(elem_id="read", elem_classes="plain message")
    preset = gr.Radio(list(PRESETS), value=DEFAULT, label="Preset", elem_id="preset", elem_classes="segments")
    paper = paper_choice("steer")
    with gr.Group():
        fields["optimisation_steps"] = slider("optimisation_steps", 1)
        fields["closeness"] = slider("closeness", 0.1)
    cost = gr.HTML(elem_id="cost", elem_classes="plain")
    with gr.Accordion("All settings", open=False, elem_id="more"):
        fields["earlier"] = text("earlier")
        fields |= controls(_MORE, "")
        with gr.Row(elem_id="seeds"):
            fields["seed"] = gr.Number(
                value=DEFAULTS.seed, precision=0, label=title("seed"), elem_id="seed", scale=2, min_width=110
            )
            dice = gr.Button("New seed", size="sm", elem_id="dice", min_width=60)
            again = gr.Button("Last seed", size="sm", elem_id="last-seed", min_width=60)
        live = gr.Checkbox(True, label="Live preview", info="Off: for slow links.", elem_id="preview")
    restore = gr.File(
        label="Drop a saved PNG or JSON to restore its settings",
        file_types=[".png", ".json"],
        height=96,
        elem_id="restore",
    )
    return GoalInputs(
        fields,
        prompt,
        keep,
        area,
        second,
        second_box,
        second_note,
        second_seen,
        second_faces,
        prompt_box,
        source_box,
        mix_box,
        chips,
        preset,
        paper,
        dice,
        again,
        restore,
        live,
        cost,
        read,
    )


def _crop(names: Sequence[str]) -> dict[str, Field]:
    return {name: slider(name, 0.5 if name.endswith("turn") else 0.01) for name in names}


def _seen(name: str) -> gr.HTML:
    return gr.HTML(
        "",
        elem_id=name,
        elem_classes="seen",
        html_template='${value}<p class="hint">Input of the model: centre the face and level the eyes.</p>',
    )


def _thumbnail(one: Recording) -> dict[str, str]:
    return {"name": one.name, "title": one.title, "image": uri(one.outcome.after)}
