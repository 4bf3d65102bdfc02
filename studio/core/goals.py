"""`Goal`: what to steer by. One entry a goal, read by settings, runs, page, endpoints, command line and recordings.

    total = sum_k weight_k loss_k(x) + closeness d(x, start)        one goal is a sum with one term, a mix has several

The entries are in `studio.runs.goals.entries`. A plugin adds more of them with `GOALS.add` (docs/goals.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

from torch import Tensor

from studio.core.registry import Registry

if TYPE_CHECKING:
    from losses import LinearHead, Loss
    from losses.shared import OnEmbedding
    from studio.core.settings import Settings

Requirement = Literal["prompt", "source_text", "second_picture", "clip", "identity"]
Tab = Literal["steer", "morph", "compare"]
Values = Mapping[str, float | str]
Classes = Collection[tuple[str, int]]
"""Classes of attributes, each as (attribute, index)."""
HiddenBy = Callable[[Classes], Collection[str]]
"""Classes -> the attributes that an image of one of them cannot show."""
ImpliedBy = Callable[[Classes], Classes]
"""Classes -> those that an image of them also has."""

PERSON, BACKGROUND = "person", "background"
"""What an edit keeps beside the attributes of the model."""
AUTOMATIC, NAMED = "automatic", "prompt"
"""The part of a picture in which the gradient of the goal lies; the parts of the attribute that the prompt names."""
SUITED_FIELDS = ("z_rate", "closeness")
"""The settings whose defaults depend on the goal."""
PROMPTS: tuple[str, ...] = (
    "a face with red hair",
    "a person with sunglasses",
    "a face with a beard",
    "blue hair and a big smile",
    "a face on a green background",
    "a face with blue eyes",
)
"""Prompts to start from."""
_NETWORKS: Mapping[Requirement, str] = MappingProxyType({"clip": "CLIP", "identity": "face network"})


class Networks(Protocol):
    """The networks of a `studio.models.interface.Model` that a loss may use; see there."""

    @property
    def clip(self) -> Any:
        """Image and text towers; there if the goal requires "clip"."""

    @property
    def tokenizer(self) -> Any:
        """List of texts -> token ids."""

    @property
    def identity(self) -> Any:
        """Image -> embedding of the person; there if the goal requires "identity"."""

    @property
    def held_out(self) -> Mapping[str, Any]:
        """Embedders by name, for measuring only."""

    @property
    def encode(self) -> Callable[[Tensor], Tensor | None]:
        """Image -> code z; there if `heads` is not empty."""

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Texts by attribute, one a class, with which the CLIP reads an image."""

    @property
    def unseen(self) -> Collection[str]:
        """Attributes of `groups` and `heads` that the image tower of the CLIP does not see."""

    @property
    def heads(self) -> Mapping[str, LinearHead]:
        """Linear classifiers on z by attribute; empty if there are none."""

    @property
    def hidden_by(self) -> HiddenBy:
        """Classes of attributes -> the attributes of `groups` that an image of one of them cannot show."""

    @property
    def implied_by(self) -> ImpliedBy:
        """Classes of attributes -> the classes of other attributes that an image of them also has."""

    @property
    def person_groups(self) -> Collection[str]:
        """Attributes of `groups` that are the person's; others may differ between two pictures of one person."""

    @property
    def code_person(self) -> LinearHead | None:
        """Linear map of z onto numbers of the person, or None."""

    @property
    def decode_code(self) -> Callable[[Tensor], tuple[Tensor, Tensor]] | None:
        """z -> mean and spread of the pixels given z, or None."""


class Term(NamedTuple):
    """What a goal adds to the total.

    Args:
        loss: image (b, 3, h, w) in [-1, 1] -> (b,).
        similarities: name on the page -> the loss whose 1 - value it is.
        on_z: weights and losses of z itself, which z satisfies after every update.
        attributes: of the model, those that the prompt names; none if it also names something else.
    """

    loss: Loss
    similarities: Mapping[str, Loss] = MappingProxyType({})
    on_z: Sequence[tuple[float, OnEmbedding]] = ()
    attributes: tuple[str, ...] = ()


Build = Callable[["Settings", Networks, Tensor, Tensor], Term]
"""(settings, networks, start, second) -> term; both pictures are (1, 3, size, size) in [-1, 1], and `second` is the
start where the goal does not require a second picture.
"""


@dataclass(frozen=True)
class Goal:
    """What to steer by.

    Args:
        name: value of the setting `loss`.
        label: "Name: what it does", one line on the page.
        build: makes the loss of a request; None for a goal that has only parts.
        requires: what a request and a model must have: "prompt", "source_text" and "second_picture" are asked for on
            the page; "clip" and "identity" are networks of the model.
        parts: setting that holds a weight in [0, inf) -> the goal that it weights, for a mix.
        defaults: values of SUITED_FIELDS where a request gives none, if they differ from the usual ones.
        reached: term of the loss -> largest value at which the goal counts as met. The result of a run is then the best
            under (goal met, then least total), and a run ends when the goal is met and the total no longer falls. Empty
            for a loss without a satisfied point.
        enough: term of the loss -> largest value at which a met goal ends the run at once.
        clip: variable ("z", "noises", "x_T") -> length above which a gradient is shortened, by the optimiser
            "normalised". Where it is empty, gradients are scaled to length 1, and steps never become smaller.
        keeps: `Settings.may_change` counts.
        redraw: noise is drawn again where the image that z predicts has changed, with this width
            (`studio.runs.redraw`); 0 for nowhere.
        tabs: which tabs of the page offer it.
        summary: a few words that name a finished run without a prompt; the label's name if empty.
        second_label: above the second picture.
        second_missing: message where the second picture is missing.
    """

    name: str
    label: str
    build: Build | None = None
    requires: tuple[Requirement, ...] = ()
    parts: Mapping[str, Goal] = field(default_factory=dict)
    defaults: Values = field(default_factory=dict)
    reached: Mapping[str, float] = field(default_factory=dict)
    enough: Mapping[str, float] = field(default_factory=dict)
    clip: Mapping[str, float] = field(default_factory=dict)
    keeps: bool = False
    redraw: float = 0.0
    tabs: tuple[Tab, ...] = ("steer",)
    summary: str = ""
    second_label: str = "Second picture"
    second_missing: str = "This goal needs a second picture: upload one, or choose an example below it."

    def __post_init__(self) -> None:
        if (self.build is None) == (not self.parts):
            raise ValueError(f"the goal {self.name!r} needs either `build` or `parts`")
        given = {"requires": self.requires, "defaults": self.defaults, "tabs": self.tabs}
        known = {"requires": get_args(Requirement), "defaults": SUITED_FIELDS, "tabs": get_args(Tab)}
        for what, names in given.items():
            if unknown := set(names) - set(known[what]):
                rule = f"`{what}` of the goal {self.name!r} may name {', '.join(known[what])}"
                raise ValueError(f"{rule}, but it names {min(unknown)}")

    @property
    def line(self) -> str:
        """The label with the networks that the goal requires."""
        networks = ", ".join(words for part, words in _NETWORKS.items() if part in self.requires)
        return f"{self.label} ({networks})" if networks else self.label

    def weighted_parts(self, settings: Settings) -> list[tuple[float, Goal]]:
        """The parts with a weight above 0."""
        weights = ((getattr(settings, setting), part) for setting, part in self.parts.items())
        return [(weight, part) for weight, part in weights if weight > 0]

    def needs(self, settings: Settings) -> frozenset[Requirement]:
        """What these settings require: that of the goal itself and of its weighted parts."""
        return frozenset(self.requires).union(*(part.needs(settings) for _, part in self.weighted_parts(settings)))

    def terms(
        self, settings: Settings, networks: Networks, start: Tensor, second: Tensor
    ) -> Iterator[tuple[float, Term]]:
        """Weights and terms of the total; arguments as for `Build`.

        Raises:
            UserError: texts or pictures that this goal cannot use.
        """
        if self.build is not None:
            yield 1.0, self.build(settings, networks, start, second)
        for weight, part in self.weighted_parts(settings):
            for share, term in part.terms(settings, networks, start, second):
                yield weight * share, term


GOALS: Registry[Goal] = Registry("goal", source="studio.runs.goals.entries")


def offered(tab: Tab) -> list[Goal]:
    """The goals that a tab of the page offers."""
    return [goal for goal in GOALS.values() if tab in goal.tabs]
