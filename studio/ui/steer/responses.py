"""Handlers of the left column: the picture as the model's input, the inputs that a goal needs, the expected cost."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.core.errors import UserError
from studio.core.goals import BACKGROUND, GOALS, PERSON
from studio.core.presets import preset_of, preset_values, suited
from studio.core.settings import LARGEST_SEED, Settings, parse, title
from studio.core.text import clean, text_warnings
from studio.export.player import uri
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.domain import domain_of
from studio.queue.app_state import Studio
from studio.runs.capabilities import check_parts
from studio.runs.events import Outcome
from studio.ui import html
from studio.ui.events import Updates
from studio.ui.fields import model_input, paper_updates
from studio.ui.steer import photo_html
from studio.ui.steer.area import AreaHandlers
from studio.ui.steer.faces import FaceSearch, FoundFaces
from studio.ui.steer.inputs import COST_FIELDS, FIRST_CROP, NEED_FIELDS, SECOND_CROP, Form, labelled
from studio.ui.steer.outputs import Outputs


class InputHandlers:
    """Handlers of the left column.

    Args:
        studio: model, cost model, cancel tokens.
        form, outputs: the components.
    """

    def __init__(self, studio: Studio, form: Form, outputs: Outputs) -> None:
        self._studio, self.form, self.outputs = studio, form, outputs
        fields = form.fields
        self.area = AreaHandlers(form.goal.area, lambda: studio.model, lambda: studio.model.quick)
        crops = ([fields[name] for name in names] for names in (FIRST_CROP, SECOND_CROP))
        panels = (form.start.faces, form.goal.second_faces)
        self.first, self.second = (
            FaceSearch(panel, crop, lambda: studio.model) for panel, crop in zip(panels, crops, strict=True)
        )

    def look(self, request: gr.Request, shown: Outcome | None, path: str | None, *crop: float) -> Updates:
        """A new image or another crop: show the model's input instead of a result, or a message for an unusable file.

        A run at work, one that began meanwhile, and a result of this image keep their panels.
        """
        tokens, key = self._studio.cancel_tokens, self.outputs.job.key(request)
        begun = tokens.begun(key)
        picture, message, warning = None, "", ""
        try:
            if path is not None:
                picture = load_picture(path, self._studio.model.size, Crop.clamped(crop))
                world = domain_of(self._studio.model)
                warning = photo_html.outside(world.check(picture), picture) if world else ""
        except UserError as error:
            message = html.alert(str(error))
        found: Updates = {self.outputs.message: message, self.form.start.outside: warning}
        same = shown and picture and shown.before.tobytes() == picture.tobytes()
        if same or tokens.running(key) or tokens.begun(key) > begun:
            return found
        return {**self.outputs.fresh(picture), **found}

    def leave_photo(self) -> Updates:
        """A recorded run has its own picture and crop: remove the faces and the warning of an earlier picture."""
        return {**self.first.clear(), self.form.start.outside: ""}

    def preview(self, path: str | None, *crop: float) -> str:
        """The small picture above the crop's sliders; "" for a file that is no picture."""
        picture = model_input(path, self._studio.model.size, Crop.clamped(crop))
        return "" if picture is None else html.seen(uri(picture))

    def look_at_second(self, path: str | None, *crop: float) -> Updates:
        """The same for the second picture."""
        seen, message = "", ""
        try:
            if path is not None:
                seen = html.seen(uri(load_picture(path, self._studio.model.size, Crop.clamped(crop))))
        except UserError as error:
            message = html.alert(f"Second picture: {error}")
        return {self.form.goal.second_seen: seen, self.form.goal.second_note: "", self.outputs.message: message}

    def choose_goal(self, second: str | None, *values: Any) -> Updates:
        """Show the inputs that this goal, or this mix, needs, and name a missing picture before a run starts."""
        # unchecked: a mix may be empty while its weights are being moved
        settings = Settings.model_construct(**dict(zip(NEED_FIELDS, values, strict=True)))
        return {**self.form.goal.needed(settings), self.outputs.message: self._missing(settings, second)}

    def adopt(self, request: gr.Request, path: str | None, second: str | None, *values: Any) -> Updates:
        """Another model was loaded: picture and settings stay, its input is shown; a message states what it cannot do.

        The number of sampling steps becomes one that suits the model.
        """
        model, named = self._studio.model, self.form.named(values)
        settings = Settings.model_construct(**named)
        steps = model.step_range.nearest(settings.sampling_steps)
        looked = self.look(request, None, path, *(named[name] for name in FIRST_CROP))
        message = looked[self.outputs.message] or self._missing(settings, second)
        kept = gr.CheckboxGroup([labelled(one) for one in self._attributes], value=self.kept(settings.may_change))
        return {
            **looked,
            self.outputs.message: message,
            self.form.goal.keep: kept,
            self.form.fields["sampling_steps"]: steps,
            self.form.goal.preset: preset_of(settings.model_copy(update={"sampling_steps": steps}), model.step_range),
        }

    def _missing(self, settings: Settings, second: str | None) -> str:
        """A message about what this goal needs and is not there: a network of the model, or a second picture."""
        try:
            check_parts(self._studio.model, settings.goal.needs(settings))
        except UserError as error:
            return html.note(str(error))
        return html.note(settings.goal.second_missing) if settings.needs_second_picture and second is None else ""

    def look_for_faces(self, loss: str, second: str | None, first_found: FoundFaces, second_found: FoundFaces) -> Any:
        """A message before the run where a goal needs a face and a picture has none."""
        if loss not in GOALS or "identity" not in GOALS[loss].requires:
            return gr.skip()
        faceless = "first" if first_found.none else "second" if second and second_found.none else ""
        return html.note(photo_html.NEEDED.format(faceless)) if faceless else gr.skip()

    def suit(self, loss: str) -> list[float | str]:
        """The settings that suit a goal, when it is chosen by hand."""
        return list(suited(loss).values())

    def free(self, kept: Sequence[str]) -> str:
        """`Settings.may_change` for the attributes that are to be kept."""
        return ", ".join(name for name in self._attributes if name not in kept)

    def kept(self, may_change: str) -> list[str]:
        """The opposite."""
        free = Settings.model_construct(may_change=may_change).free
        return [name for name in self._attributes if name not in free]

    @property
    def _attributes(self) -> list[str]:
        return [*self._studio.model.groups, PERSON, BACKGROUND]

    def choose_preset(self, preset: str | None) -> Updates:
        """Set the sliders of the preset."""
        values = preset_values(preset, self._studio.model.step_range)
        moved: Updates = {self.form.fields[name]: value for name, value in values.items()}
        return {**moved, self.form.goal.paper: ""}

    def choose_paper(self, name: str) -> Updates:
        """Set the fields of a run of the paper, and say what to look at."""
        goal, steps = self.form.goal, self._studio.model.step_range
        return paper_updates(name, self.form.fields, self.outputs.message, steps, lambda _: {goal.preset: None})

    def choose_mode(self, mode: str) -> Updates:
        """Order 2 is available for the SDE alone."""
        order = self.form.fields["order"]
        return {order: gr.update(value=1, interactive=False) if mode == "ode" else gr.update(interactive=True)}

    def forecast(self, *values: Any) -> str:
        """The expected cost of a run; "" while the settings are not valid."""
        try:
            settings = parse(dict(zip(COST_FIELDS, values, strict=True)))
        except UserError:
            return ""
        return html.expected(self._studio.cost(settings), at_most=bool(settings.goal.reached))

    def read(self, prompt: object, source_text: object) -> str:
        """A note on what the text network cannot use of the texts; "" if it uses all of them."""
        texts = [(title("prompt"), clean(str(prompt))), (title("source_text"), clean(str(source_text)))]
        model = self._studio.model
        sentence = text_warnings(model.tokenizer, model.unknown_words, texts)
        return html.note(sentence) if sentence else ""

    def roll(self) -> int:
        """A random seed."""
        return secrets.randbelow(LARGEST_SEED + 1)

    def last_seed(self, shown: Outcome | None) -> Any:
        """The seed of the run that is shown."""
        return gr.skip() if shown is None else shown.settings.seed
