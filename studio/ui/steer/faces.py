"""Faces in an uploaded picture: the search, the choice among them, and the crop to the chosen one.

The crop is what its sliders hold. A crop set by hand changes only when a face is chosen, and Undo restores the crop
before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from studio.core.errors import UserError
from studio.export.player import uri
from studio.images.crop import Crop
from studio.images.faces import find_faces
from studio.images.framing import ALIGNED
from studio.images.load import load_picture
from studio.models.domain import domain_of
from studio.models.interface import Model
from studio.ui.events import Updates
from studio.ui.steer import photo_html
from studio.ui.viewers import viewer


@dataclass(frozen=True)
class FoundFaces:
    """The faces of the current picture.

    Args:
        crops: to each face, the largest first.
        pictures: of these crops, as data URIs.
        before: the crop that Undo restores.
        set_here: the crop that the search or a choice set, if one did.
        none: a search found no face.
        path: of the picture that was searched.
    """

    crops: tuple[Crop, ...] = ()
    pictures: tuple[str, ...] = ()
    before: Crop = field(default_factory=Crop)
    set_here: Crop | None = None
    none: bool = False
    path: str = field(default="", compare=False)

    @property
    def face(self) -> int:
        """Index of the face to which the picture is cropped; -1 if to none."""
        return self.crops.index(self.set_here) if self.set_here in self.crops else -1

    @property
    def number(self) -> int:
        """Of that face, from 1; that of the largest if there is none."""
        return max(self.face, 0) + 1

    def panel(self, sentence: str) -> dict[str, Any]:
        """The value of the viewer: the sentence, and the faces if there is a choice."""
        choice = len(self.crops) > 1 or (len(self.crops) == 1 and self.face < 0)
        pictures = list(self.pictures) if choice else []
        return {"text": sentence, "faces": pictures, "chosen": self.face, "undo": self.face >= 0}


@dataclass(frozen=True)
class FacePanel:
    """The components that show faces; hidden while their text is empty."""

    shown: gr.HTML
    found: gr.State

    @property
    def parts(self) -> list[Block]:
        """Both of them."""
        return [self.shown, self.found]


def face_panel(name: str) -> FacePanel:
    """A panel; `name` is its id."""
    return FacePanel(viewer("photo", {}, name), gr.State(FoundFaces()))


class FaceSearch:
    """Handlers of one panel.

    Args:
        panel: shows the faces.
        fields: the four sliders of the crop.
        model: returns the loaded model; a picture of the kind that it was trained on needs no search.
    """

    def __init__(self, panel: FacePanel, fields: Sequence[Block], model: Callable[[], Model]) -> None:
        self._panel, self._fields, self._model = panel, list(fields), model

    @property
    def outputs(self) -> list[Block]:
        """The components that the handlers update."""
        return [*self._panel.parts, *self._fields]

    def find(self, path: str | None, found: FoundFaces, *values: float) -> Updates:
        """A picture was chosen by hand: find its faces, and set the crop to the largest."""
        now = Crop.clamped(values)
        free = now in (Crop(), found.set_here)
        start = Crop() if free else now
        # the event of a next picture may still carry the slider values that were set for this one
        nothing = self._shown(FoundFaces(set_here=found.set_here, path=path or ""), "")
        if path is None:
            return {**nothing, **self._set(start)}
        model = self._model()
        world = domain_of(model)
        try:
            if world and not world.check(load_picture(path, model.size, start)).outside:
                return {**nothing, **self._set(start)}
            search = find_faces(path, world.framing if world else ALIGNED)
        except UserError:  # `InputHandlers.look` shows the message
            return nothing
        if search.needs_no_crop:
            return {**nothing, **self._set(start)}
        crops, pictures = [one.crop for one in search.found], [uri(one.picture) for one in search.found]
        here = FoundFaces(tuple(crops), tuple(pictures), start, path=path)
        if not search.found:
            return {**self._shown(replace(here, none=True), photo_html.NONE), **self._set(start)}
        sentence = photo_html.found(len(search.found), kept=not free)
        return self._chosen(here, 0, sentence) if free else self._shown(here, sentence)

    def pick(self, event: gr.EventData, found: FoundFaces) -> Updates:
        """One of the faces that are shown."""
        index = getattr(event, "face", None)
        if not isinstance(index, int) or not 0 <= index < len(found.crops):
            return self._shown(found, photo_html.NONE)
        return self._chosen(found, index, photo_html.chosen(index + 1))

    def undo(self, found: FoundFaces) -> Updates:
        """The crop before."""
        return {**self._shown(replace(found, set_here=None), photo_html.UNDONE), **self._set(found.before)}

    def clear(self) -> Updates:
        """The page set another picture and its crop."""
        return self._shown(FoundFaces(), "")

    def _chosen(self, found: FoundFaces, index: int, sentence: str) -> Updates:
        crop = found.crops[index]
        return {**self._shown(replace(found, set_here=crop), sentence), **self._set(crop)}

    def _shown(self, found: FoundFaces, sentence: str) -> Updates:
        return {self._panel.shown: found.panel(sentence) if sentence else {}, self._panel.found: found}

    def _set(self, crop: Crop) -> Updates:
        return dict(zip(self._fields, crop, strict=True))
