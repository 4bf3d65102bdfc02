"""Faces of a picture that a person brought: what is found, which of them is chosen, and the crop that follows.

The crop's sliders stay the truth. A crop that a person has set is never replaced without being asked, and Undo gives
the one before back.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from studio.models.domain import Domain
from studio.ui.steer import photo_html
from studio.ui.viewers import viewer

Updates = dict[Block, Any]


@dataclass(frozen=True)
class Sought:
    """What was found in the picture at hand.

    Args:
        crops: of its faces, the largest first.
        pictures: what they show, as data URIs.
        before: the crop that Undo brings back.
        ours: the crop that was set from here, if any was.
    """

    crops: tuple[Crop, ...] = ()
    pictures: tuple[str, ...] = ()
    before: Crop = field(default_factory=Crop)
    ours: Crop | None = None

    def panel(self, sentence: str) -> dict[str, Any]:
        """What the viewer shows; faces to choose from only where there is a choice."""
        face = self.crops.index(self.ours) if self.ours in self.crops else -1
        choice = len(self.crops) > 1 or (len(self.crops) == 1 and face < 0)
        pictures = list(self.pictures) if choice else []
        return {"text": sentence, "faces": pictures, "chosen": face, "undo": face >= 0}


@dataclass(frozen=True)
class FacePanel:
    """The place where faces are shown; empty, and then not there, until a picture with something to say comes."""

    shown: gr.HTML
    sought: gr.State

    @property
    def parts(self) -> list[Block]:
        """Both of them."""
        return [self.shown, self.sought]


def face_panel(name: str) -> FacePanel:
    """A panel; `name` is its id."""
    return FacePanel(viewer("photo", {}, name), gr.State(Sought()))


class FaceSearch:
    """Handlers of one panel.

    Args:
        panel: where faces are shown.
        fields: the four sliders of the crop.
        size: of the model's pictures.
        world: of a model that knows one kind of picture; what it knows already needs no search.
    """

    def __init__(self, panel: FacePanel, fields: Sequence[Block], size: int, world: Domain | None) -> None:
        self._panel, self._fields, self._size, self._world = panel, list(fields), size, world

    @property
    def outputs(self) -> list[Block]:
        """What any of the handlers may update."""
        return [*self._panel.parts, *self._fields]

    def find(self, path: str | None, sought: Sought, *values: float) -> Updates:
        """A picture was brought by hand: look for its faces, and set the crop to the largest."""
        now = Crop.clamped(values)
        free = now in (Crop(), sought.ours)
        start = Crop() if free else now
        # a picture that follows at once may still bring the sliders of this one
        nothing = self._shown(Sought(ours=sought.ours), "")
        if path is None:
            return {**nothing, **self._set(start)}
        try:
            if self._world and not self._world.check(load_picture(path, self._size, start)).outside:
                return {**nothing, **self._set(start)}
            faces = find_faces(path, self._world.framing if self._world else ALIGNED)
        except UserError:  # a file that is no picture is said where it is shown
            return nothing
        if faces.needs_no_crop:
            return {**nothing, **self._set(start)}
        here = Sought(tuple(one.crop for one in faces.found), tuple(uri(one.picture) for one in faces.found), start)
        if not faces.found:
            return {**self._shown(here, photo_html.NONE), **self._set(start)}
        sentence = photo_html.found(len(faces.found), kept=not free)
        return self._chosen(here, 0, sentence) if free else self._shown(here, sentence)

    def pick(self, event: gr.EventData, sought: Sought) -> Updates:
        """One of the faces that are shown."""
        place = getattr(event, "face", None)
        if not isinstance(place, int) or not 0 <= place < len(sought.crops):
            return self._shown(sought, photo_html.NONE)
        return self._chosen(sought, place, photo_html.chosen(place + 1))

    def undo(self, sought: Sought) -> Updates:
        """The crop as it was."""
        return {**self._shown(replace(sought, ours=None), photo_html.UNDONE), **self._set(sought.before)}

    def forget(self) -> Updates:
        """Another picture came by itself, with a crop of its own."""
        return self._shown(Sought(), "")

    def _chosen(self, sought: Sought, place: int, sentence: str) -> Updates:
        crop = sought.crops[place]
        return {**self._shown(replace(sought, ours=crop), sentence), **self._set(crop)}

    def _shown(self, sought: Sought, sentence: str) -> Updates:
        return {self._panel.shown: sought.panel(sentence) if sentence else {}, self._panel.sought: sought}

    def _set(self, crop: Crop) -> Updates:
        return dict(zip(self._fields, crop, strict=True))
