"""`likeness_tab`: a photograph as a clay face, or a face designed with sliders, for use in the other tabs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.images.clay import draw_scene
from studio.queue.app_state import Studio
from studio.ui.downloads import hidden_file, wire_save, written
from studio.ui.events import LATEST, QUEUED, QUICK, Updates
from studio.ui.fields import picture
from studio.ui.likeness.fields import Field, face_fields, scene_of_fields
from studio.ui.likeness.handlers import FaceHandlers, OfferHandlers, size_of
from studio.ui.likeness.slots import Slot
from studio.ui.viewers import viewer

_INTRO = """### Photo
Upload a portrait, from the front. The likeness is a **caricature**; correct it with the sliders. Without a photo,
design a face."""
_CONSENT = (
    '<p class="hint">Only with the consent of the person shown. The photo does not leave this server, '
    "and nothing of it is kept.</p>"
)


def likeness_tab(studio: Studio, tabs: gr.Tabs, tab: gr.Tab, slots: Sequence[Slot]) -> None:
    """The tab's content, built inside the open `tab`, after the tabs that it fills.

    Args:
        studio: the model.
        tabs: of the page.
        tab: this one.
        slots: the pictures that a face may replace.
    """
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=300):
            gr.Markdown(_INTRO)
            photo = picture("Photo", "likeness-photo", None, height=220)
            gr.HTML(_CONSENT, elem_classes="plain", apply_default_css=False)
            make = gr.Button("Make a clay likeness", variant="primary", elem_id="likeness-make")
            message = gr.HTML(elem_id="likeness-message", elem_classes="plain message")
            candidates = viewer("likeness", {}, "likeness-candidates")
        with gr.Column(scale=4, min_width=280):
            gr.Markdown("### Face")
            face = gr.HTML(elem_id="likeness-face", elem_classes="plain", apply_default_css=False)
            with gr.Row(elem_classes="saves"):
                dice = gr.Button("Random face", size="sm", elem_id="likeness-random", min_width=90)
                save = gr.Button("Save PNG", size="sm", elem_id="likeness-save", min_width=90)
            gr.Markdown("Use this face:")
            with gr.Row(elem_classes="saves"):
                sends = [gr.Button(slot.label, size="sm", min_width=120) for slot in slots]
            file = hidden_file("likeness-")
        with gr.Column(scale=5, min_width=300):
            gr.Markdown("### By hand")
            fields = face_fields()
    scenes = gr.State(())
    handlers = FaceHandlers(fields, face, candidates, scenes, message, studio)
    _wire_face(handlers, fields, photo, (make, dice))
    values = list(fields.values())
    tab.select(handlers.draw, values, [face, message], **QUICK)
    for slot, button in zip(slots, sends, strict=True):
        sent = button.click(partial(handlers.send, slot), values, [slot.image, *slot.resets, message], **QUEUED)
        _shown_in(sent, tabs, slot)
        _wire_offer(slot, OfferHandlers(slot, studio), handlers, tabs)

    def write(*now: Any) -> Iterator[Updates]:
        yield from written(file, message, lambda to: _saved(now, size_of(studio.model), to / "clay-face.png"))

    wire_save(save, write, values, file, message)


def _saved(values: Sequence[Any], size: int, path: Path) -> Path:
    draw_scene(scene_of_fields(values), size).save(path)
    return path


def _wire_face(
    handlers: FaceHandlers, fields: Mapping[str, Field], photo: gr.Image, buttons: tuple[gr.Button, gr.Button]
) -> None:
    """The photograph, its candidates, the sliders, and a random face."""
    make, dice = buttons
    values = list(fields.values())
    drawn = [handlers.face, handlers.message]
    moved = [field.input for field in values]
    gr.on(moved, handlers.draw, values, drawn, **LATEST)
    make.click(handlers.make, photo, handlers.outputs, **QUEUED)
    picked = [handlers.scenes, handlers.candidates]
    handlers.candidates.pick(handlers.pick, picked, handlers.outputs, **QUICK)
    dice.click(handlers.roll, None, handlers.outputs, **QUICK)


def _shown_in(filled: Any, tabs: gr.Tabs, slot: Slot) -> None:
    """After a slot was filled: its tab in front, and its tab's own handler of a new picture."""
    look, inputs, outputs = slot.look
    filled.success(lambda: gr.Tabs(selected=slot.tab), None, tabs, **QUICK)
    filled.then(look, list(inputs), list(outputs), **LATEST)


def _wire_offer(slot: Slot, handlers: OfferHandlers, by_hand: FaceHandlers, tabs: gr.Tabs) -> None:
    """The offer below a picture."""
    offer = slot.offer
    search = gr.State(None) if slot.search is None else slot.search
    outputs = [slot.image, *slot.resets, *offer.parts]
    for event in slot.changes:
        event.then(handlers.look_again, [offer.scene, slot.image, search, *slot.crop], offer.parts, **LATEST)
    look, looked, shown = slot.look
    made = offer.make.click(handlers.make, [slot.image, search], outputs, **QUEUED)
    picked = offer.shown.pick(handlers.pick, [offer.scenes, offer.shown], outputs, **QUEUED)
    for event in (made, picked):
        event.then(look, list(looked), list(shown), **LATEST)
    adjusted = offer.adjust.click(by_hand.adjust, offer.scene, by_hand.outputs, **QUICK)
    adjusted.then(lambda: gr.Tabs(selected="likeness"), None, tabs, **QUICK)
