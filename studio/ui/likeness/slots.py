"""The pictures of other tabs that a likeness may replace, each with its offer of a likeness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gradio as gr
from gradio.blocks import Block

from studio.ui.events import Updates
from studio.ui.viewers import viewer


@dataclass(frozen=True)
class Offer:
    """The components below a picture that offer a likeness; hidden for pictures of the model's own kind.

    Args:
        make: makes the likeness.
        shown: the photograph and the candidates.
        adjust: opens the chosen candidate in the Likeness tab.
        scenes: the candidates.
        scene: the chosen one.
    """

    make: gr.Button
    shown: gr.HTML
    adjust: gr.Button
    scenes: gr.State
    scene: gr.State

    @property
    def parts(self) -> list[Block]:
        """All of them."""
        return [self.make, self.shown, self.adjust, self.scenes, self.scene]

    def hidden(self) -> Updates:
        """Nothing is offered, and nothing of a likeness is shown."""
        return {
            self.make: gr.Button(visible=False),
            self.shown: {},
            self.adjust: gr.Button(visible=False),
            self.scenes: (),
            self.scene: None,
        }


def offer(name: str) -> Offer:
    """A hidden offer; `name` is the prefix of its ids."""
    make = gr.Button("Make a clay likeness", variant="primary", visible=False, elem_id=f"{name}-likeness")
    shown = viewer("likeness", {}, f"{name}-candidates")
    adjust = gr.Button("Adjust by hand", size="sm", visible=False, elem_id=f"{name}-adjust")
    return Offer(make, shown, adjust, gr.State(()), gr.State(None))


class Search(Protocol):
    """What was found of the faces of a picture."""

    @property
    def path(self) -> str:
        """The picture that was searched."""

    @property
    def number(self) -> int:
        """The chosen face, from 1."""


@dataclass(frozen=True)
class Slot:
    """A picture of a tab.

    Args:
        label: of the button that puts a face there.
        tab: id of the tab.
        image: the component.
        offer: below it.
        look: the tab's handler of a new picture, with the components it reads and writes.
        changes: events after which the picture may be another one.
        resets: values that belong to the picture before, by component.
        crop: sliders of the crop, if there are any.
        search: state of the search for faces, if there is one.
    """

    label: str
    tab: str
    image: gr.Image
    offer: Offer
    look: tuple[Callable[..., Any], Sequence[Block], Sequence[Block]]
    changes: Sequence[Any]
    resets: Mapping[Block, Any] = field(default_factory=dict)
    crop: Sequence[Block] = ()
    search: gr.State | None = None
