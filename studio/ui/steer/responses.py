"""What the page answers while a person sets a run up: how the picture looks to the model, what a goal needs, costs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.errors import UserError
from studio.core.presets import PRESETS, suited
from studio.core.settings import LARGEST_SEED, Settings, parse, title
from studio.core.text import clean, truncation_warnings
from studio.export.player import uri
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.domain import domain_of
from studio.queue.app_state import Studio
from studio.runs.events import Outcome
from studio.server.visitor import visitor_name
from studio.ui import html
from studio.ui.steer import photo_html
from studio.ui.steer.faces import FaceSearch
from studio.ui.steer.inputs import COST_FIELDS, FIRST_CROP, NEED_FIELDS, SECOND_CROP, Form, Updates
from studio.ui.steer.outputs import Outputs


class Answers:
    """Handlers of the left column; arguments as for Actions."""

    def __init__(self, studio: Studio, form: Form, outputs: Outputs) -> None:
        self._studio, self.form, self.outputs = studio, form, outputs
        self._world = domain_of(studio.model)
        size, fields = studio.model.size, form.fields
        crops = ([fields[name] for name in names] for names in (FIRST_CROP, SECOND_CROP))
        panels = (form.start.faces, form.wishes.second_faces)
        self.first, self.second = (
            FaceSearch(panel, crop, size, self._world) for panel, crop in zip(panels, crops, strict=True)
        )

    def look(self, visitor: gr.Request, path: str | None, *crop: float) -> Updates:
        """A new image or another crop: show it as the model sees it, or say why it cannot be used."""
        outside = self.form.start.outside
        if path is None:
            return {self.outputs.message: "", outside: ""}
        try:
            picture = load_picture(path, self._studio.model.size, Crop.clamped(crop))
        except UserError as error:
            return {self.outputs.message: html.alert(str(error)), outside: ""}
        told = photo_html.outside(self._world.check(picture), picture) if self._world else ""
        if self._studio.cancel_tokens.running(visitor_name(visitor)):
            return {self.outputs.message: "", outside: told}
        caption = f"what the model sees, {picture.width} × {picture.height}"
        live = {"image": uri(picture), "caption": caption}
        return {self.outputs.message: "", self.outputs.live: live, outside: told}

    def leave_photo(self) -> Updates:
        """A recorded run brings its picture, its crop, and nothing to say of a photograph."""
        return {**self.first.forget(), self.form.start.outside: ""}

    def preview(self, path: str | None, *crop: float) -> str:
        """The small picture beside the crop's sliders; nothing for a file that is no picture."""
        if path is None:
            return ""
        try:
            return html.seen(uri(load_picture(path, self._studio.model.size, Crop.clamped(crop))))
        except UserError:
            return ""

    def look_at_second(self, path: str | None, *crop: float) -> Updates:
        """The same for the picture to move towards."""
        seen = self.form.wishes.second_seen
        if path is None:
            return {seen: "", self.outputs.message: ""}
        try:
            picture = load_picture(path, self._studio.model.size, Crop.clamped(crop))
        except UserError as error:
            return {seen: "", self.outputs.message: html.alert(f"Second picture: {error}")}
        return {seen: html.seen(uri(picture)), self.outputs.message: ""}

    def choose_goal(self, *values: Any) -> Updates:
        """Show what this goal, or this mix, needs."""
        # unchecked: an empty mix is no mistake while its weights are still being moved
        settings = Settings.model_construct(**dict(zip(NEED_FIELDS, values, strict=True)))
        return {**self.form.wishes.needed(settings), self.outputs.message: ""}

    def suit(self, loss: str) -> list[float | str]:
        """A goal chosen by hand starts with what suits it."""
        return list(suited(loss).values())

    def choose_preset(self, preset: str | None) -> Updates:
        """Move the sliders that the preset names."""
        values: Mapping[str, Any] = PRESETS.get(preset or "", {})
        fields = self.form.fields
        return {fields[name]: value for name, value in values.items()} or {fields["optimisation_steps"]: gr.skip()}

    def choose_mode(self, mode: str) -> Updates:
        """The second order is the SDE's."""
        order = self.form.fields["order"]
        return {order: gr.update(value=1, interactive=False) if mode == "ode" else gr.update(interactive=True)}

    def forecast(self, *values: Any) -> str:
        """What a run would cost; nothing where the settings are not yet complete."""
        try:
            settings = parse(dict(zip(COST_FIELDS, values, strict=True)))
        except UserError:
            return ""
        return html.expected(self._studio.cost(settings))

    def read(self, prompt: object, source_text: object) -> str:
        """How much of a long text the model reads; nothing where it reads all."""
        texts = [(title("prompt"), clean(str(prompt))), (title("source_text"), clean(str(source_text)))]
        sentence = truncation_warnings(self._studio.model.tokenizer, texts)
        return html.note(sentence) if sentence else ""

    def roll(self) -> int:
        """A fresh seed."""
        return secrets.randbelow(LARGEST_SEED + 1)

    def last_seed(self, shown: Outcome | None) -> Any:
        """That of the run that is shown."""
        return gr.skip() if shown is None else shown.settings.seed
