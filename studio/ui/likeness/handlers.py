"""Handlers of the Likeness tab and of the offers: a likeness from a photograph, its candidates, and faces by hand."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio as gr
import numpy as np

from clay.people.dataset import Scene
from clay.people.person import sample_person
from clay.people.view import sample_view
from studio.core.errors import UserError
from studio.export.player import uri
from studio.images.clay import draw_scene
from studio.images.crop import Crop
from studio.images.likeness import Likeness, likeness_of
from studio.images.load import enlarge, load_picture
from studio.models.domain import domain_of
from studio.models.enlarged import enlarges
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.ui import html
from studio.ui.events import Updates
from studio.ui.likeness.fields import Field, filled, scene_of_fields
from studio.ui.likeness.slots import Search, Slot

_CARICATURE = "A caricature in clay, made on this server from measurements of the face; nothing of the photo is kept."
_GONE = "This candidate is no longer there: make the likeness again."
_SHARP, _SHOWN = 128, 256
NO_PHOTO = "Choose a photo first, or design a face with the sliders."


def shown(likeness: Likeness, size: int) -> dict[str, Any]:
    """The value of the viewer: the photograph and the candidates, the first of them chosen."""
    text = " ".join([_CARICATURE, *likeness.notes])
    faces = [uri(draw_scene(scene, size)) for scene in likeness.scenes]
    return {"text": text, "photo": uri(likeness.photo), "faces": faces, "chosen": 0}


def preview(scene: Scene, model: Model) -> str:
    """The face as a large picture, drawn with at least 128 pixels."""
    face = draw_scene(scene, max(size_of(model), _SHARP))
    larger = face if enlarges(model, face) else enlarge(face, _SHOWN)
    return f'<img src="{uri(larger, model)}" alt="Clay face">'


def size_of(model: Model) -> int:
    """Side of a face's picture: that of the model's, up to 256 pixels, which a render reaches in half a second."""
    return min(model.size, _SHOWN)


def put(scene: Scene, size: int, slot: Slot) -> Iterator[Updates]:
    """The face as the picture of a slot; the file is copied when the update is sent."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "likeness.png"
        draw_scene(scene, size).save(path)
        yield {slot.image: str(path), **slot.resets}


class OfferHandlers:
    """Handlers of the offer below one picture.

    Args:
        slot: the picture.
        studio: the loaded model, whose own kind of picture needs no likeness.
    """

    def __init__(self, slot: Slot, studio: Studio) -> None:
        self._slot, self._offer, self._studio = slot, slot.offer, studio

    @property
    def _size(self) -> int:
        return size_of(self._studio.model)

    def look_again(self, scene: Scene | None, path: str | None, search: Search | None, *crop: float) -> Updates:
        """`look`, but the chosen candidate keeps what is shown of the others.

        Nothing is offered before the search for the faces of this picture has ended, because it sets the crop.
        """
        with suppress(UserError):
            if scene and path and load_picture(path, self._size) == draw_scene(scene, self._size):
                return {self._offer.make: gr.Button(visible=False)}
        return self.look(path if search is None or search.path == path else None, *crop)

    def look(self, path: str | None, *crop: float) -> Updates:
        """Offer a likeness for a picture of another kind than the model's."""
        world, wanted = domain_of(self._studio.model), False
        if world is not None and path is not None:
            with suppress(UserError):  # the tab itself shows the message
                picture = load_picture(path, self._studio.model.size, Crop.clamped(crop) if crop else Crop())
                wanted = world.check(picture).outside
        return {**self._offer.hidden(), self._offer.make: gr.Button(visible=wanted)}

    def make(self, path: str | None, search: Search | None = None) -> Iterator[Updates]:
        """Make the likeness, and put its first candidate in the place of the photograph."""
        try:
            likeness = likeness_of(_file(path), 1 if search is None else search.number)
        except UserError as error:
            text = f"{error} You can also design a face by hand in the Likeness tab."
            yield {**self._offer.hidden(), self._offer.shown: {"text": text}}
            return
        here: Updates = {
            self._offer.make: gr.Button(visible=False),
            self._offer.shown: shown(likeness, self._size),
            self._offer.adjust: gr.Button(visible=True),
            self._offer.scenes: likeness.scenes,
            self._offer.scene: likeness.scenes[0],
        }
        for update in put(likeness.scenes[0], self._size, self._slot):
            yield {**update, **here}

    def pick(self, event: gr.EventData, scenes: Sequence[Scene], value: Mapping[str, Any]) -> Iterator[Updates]:
        """Another candidate."""
        index = getattr(event, "face", None)
        if not isinstance(index, int) or not 0 <= index < len(scenes):
            yield {self._offer.shown: {"text": _GONE}}
            return
        for update in put(scenes[index], self._size, self._slot):
            yield {**update, self._offer.scene: scenes[index], self._offer.shown: {**value, "chosen": index}}


def _file(path: str | None) -> str:
    if path is None:
        raise UserError(NO_PHOTO)
    return path


class FaceHandlers:
    """Handlers of the Likeness tab.

    Args:
        fields: the values of the face.
        face: shows it.
        candidates, scenes: viewer and state of the candidates.
        message: shows messages.
        studio: the loaded model.
    """

    def __init__(
        self,
        fields: Mapping[str, Field],
        face: gr.HTML,
        candidates: gr.HTML,
        scenes: gr.State,
        message: gr.HTML,
        studio: Studio,
    ) -> None:
        self.fields, self.face, self.candidates, self.scenes = fields, face, candidates, scenes
        self.message, self._studio = message, studio

    @property
    def _size(self) -> int:
        return size_of(self._studio.model)

    @property
    def outputs(self) -> list[Any]:
        """All components that the handlers update."""
        return [*self.fields.values(), self.face, self.candidates, self.scenes, self.message]

    def draw(self, *values: Any) -> Updates:
        """The face of these values."""
        try:
            return {self.face: preview(scene_of_fields(values), self._studio.model), self.message: ""}
        except UserError as error:
            return {self.message: html.alert(str(error))}

    def make(self, path: str | None) -> Updates:
        """A likeness of the photograph."""
        try:
            likeness = likeness_of(_file(path))
            value = shown(likeness, self._size)
            first = self.load(likeness.scenes[0])
        except UserError as error:
            return {self.candidates: {}, self.scenes: (), self.message: html.alert(str(error))}
        return {**first, self.candidates: value, self.scenes: likeness.scenes, self.message: ""}

    def load(self, scene: Scene) -> Updates:
        """Set all values to those of a scene, and draw it."""
        return {**filled(self.fields, scene), self.face: preview(scene, self._studio.model)}

    def pick(self, event: gr.EventData, scenes: Sequence[Scene], value: Mapping[str, Any]) -> Updates:
        """Another candidate."""
        index = getattr(event, "face", None)
        if not isinstance(index, int) or not 0 <= index < len(scenes):
            return {self.message: html.alert(_GONE)}
        return {**self.load(scenes[index]), self.candidates: {**value, "chosen": index}}

    def roll(self) -> Updates:
        """A random face."""
        rng = np.random.default_rng(secrets.randbits(64))
        try:
            return {**self.load((sample_person(rng), sample_view(rng))), self.message: ""}
        except UserError as error:
            return {self.message: html.alert(str(error))}

    def adjust(self, scene: Scene | None) -> Updates:
        """The chosen candidate of an offer, to be changed by hand."""
        return {self.message: html.alert(_GONE)} if scene is None else {**self.load(scene), self.message: ""}

    def send(self, slot: Slot, *values: Any) -> Iterator[Updates]:
        """Put the face into a slot, and show its tab."""
        try:
            yield from put(scene_of_fields(values), self._size, slot)
        except UserError as error:
            yield {self.message: html.alert(str(error))}
