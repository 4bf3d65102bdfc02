"""`Verdict`: whether a run reached its goal and what else it changed, by networks that no loss uses.

The parts of a verdict are

    reached    a prompt with words that the CLIP was not trained on: no
               a prompt that is a class of an attribute: the held-out attribute classifier predicts it (yes), gives it
               at least a quarter (partly), or less, or another class that hides it (no)
               another person: all held-out embedders accept the result as the target at FMR 1 % (yes), some of them
               (partly), none (no)
               another prompt: the same by a held-out CLIP, among the alternatives of the loss, where there is one
               anything else: not measured, because no held-out network can confirm it
               of several things that a prompt asks for, the one that is furthest from "yes" decides
    changed    attributes that are to stay and that both images can show, of which the classifier predicts another class
               than at the start, or than an earlier edit of a chain asked for
    same       similarity of the result's face to the start's by every held-out embedder, with its threshold at FMR 1 %
    score      out-of-distribution score (`losses.strangeness`); a loss may have lowered it, so it is not held out
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from losses import ClipEncoder
from studio.core.errors import UserError
from studio.core.settings import Settings
from studio.core.text import readable
from studio.images.load import to_tensor
from studio.models.interface import Model
from studio.runs.goals.alternatives import Alternatives
from studio.runs.goals.asked_for import asked_for
from studio.runs.goals.face_losses import person
from studio.runs.goals.kept import in_distribution
from studio.runs.goals.suggestions import suggestion
from studio.runs.measures.held_out import LOOSE

Reached = Literal["yes", "partly", "no", "not measured"]
_ORDER: tuple[Reached, ...] = ("no", "partly", "not measured", "yes")
_PARTLY = 0.25
Reading = Mapping[str, Tensor]
"""Probabilities by attribute, (1, classes), of one image by the held-out classifier."""


@dataclass(frozen=True)
class Change:
    """The class of an attribute before and after, as predicted by the held-out classifier."""

    attribute: str
    before: str
    after: str


@dataclass(frozen=True)
class Similarity:
    """Cosine of two faces by one held-out embedder, and the value from which on it takes them for one person."""

    name: str
    value: float
    threshold: float

    @property
    def accepted(self) -> bool:
        """Whether the embedder takes both for one person."""
        return self.value >= self.threshold


@dataclass(frozen=True)
class Verdict:
    """See above.

    Args:
        reached: whether the goal is reached.
        probability: of the class in the prompt, by the classifier, of several the smallest; None for other goals.
        reason: why it is not reached or not measured, one sentence; "" if it is reached.
        changed: other attributes that changed; None if no classifier can read them.
        same: the person against that of the start; empty for goals that ask for another person.
        target: the person against the target's; empty for goals without one.
        score: out-of-distribution score of the result; None if the model has none.
    """

    reached: Reached
    probability: float | None = None
    reason: str = ""
    changed: tuple[Change, ...] | None = None
    same: tuple[Similarity, ...] = ()
    target: tuple[Similarity, ...] = ()
    score: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts, from which `from_json` makes an equal verdict."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Verdict:
        """What `to_json` gave."""
        changed = values["changed"]
        return cls(
            **{
                **values,
                "changed": None if changed is None else tuple(Change(**change) for change in changed),
                "same": tuple(Similarity(**one) for one in values["same"]),
                "target": tuple(Similarity(**one) for one in values["target"]),
            }
        )


@torch.no_grad()
def verdict(
    model: Model,
    settings: Settings,
    before: Image.Image,
    after: Image.Image,
    second: Image.Image | None,
    improving: bool = False,
) -> Verdict:
    """The verdict on the result of a run.

    Args:
        model: its `reader` and `held_out` are used.
        settings: of the run.
        before: the start, at the model's size.
        after: the result.
        second: the target picture, if there was one.
        improving: whether the loss was lowest at the last update, so that more updates may help.
    """
    start, result = (to_tensor(image).to(model.device) for image in (before, after))
    target = None if second is None else to_tensor(second).to(model.device)
    needs = settings.goal.needs(settings)
    prompts = _prompts(model, settings.prompt, start) if "prompt" in needs and model.clip is not None else []
    wants_person = {"identity", "second_picture"} <= needs and target is not None
    to_target = tuple(_similarities(model, target, result)) if wants_person and target is not None else ()
    read_before, read_after = ({} if model.reader is None else model.reader(x) for x in (start, result))
    earlier = _earlier(model, settings, start, prompts) if prompts else {}
    found = [(prompt, prompt.probabilities(read_after, result)) for prompt in prompts]
    parts = [prompt.reached(p, _classes(read_after)) for prompt, p in found]
    if to_target:
        parts.append(_accepted(to_target))
    reached, reason = min(parts, key=lambda part: _ORDER.index(part[0]), default=_unmeasured(settings))
    if improving and reached in ("no", "partly"):
        reason += " The loss was still falling at the last update: more optimisation steps may help."
    return Verdict(
        reached=reached,
        probability=min((float(p[prompt.index]) for prompt, p in found if p is not None), default=None),
        reason=reason,
        changed=_changes(model, read_before, read_after, _asked(model, prompts, bool(to_target)), earlier),
        same=() if to_target else tuple(_similarities(model, start, result)),
        target=to_target,
        score=None if (strange := in_distribution(model)) is None else float(strange.score(result)[0]),
    )


def _prompts(model: Model, prompt: str, start: Tensor) -> list[_Prompt]:
    """The prompt, or each of its phrases that asks for a class."""
    found = asked_for(prompt, model, ClipEncoder(model.clip, model.tokenizer), start)
    unknown = [] if model.unknown_words is None else model.unknown_words(prompt)
    return [_Prompt(model, phrase, one, unknown) for phrase, one in found.items()]


class _Prompt:
    """The class that a prompt or a phrase of it means, if it means one; `unknown` are words of the whole prompt."""

    def __init__(self, model: Model, prompt: str, found: Alternatives, unknown: Sequence[str]) -> None:
        self.model, self.prompt, self.unknown = model, prompt, unknown
        self.group, self.index, self.texts = found.group, found.index, found.texts
        self.known = found.known and model.reader is not None

    def probabilities(self, read: Reading, result: Tensor) -> Tensor | None:
        """Of the alternatives, by a held-out network; None if none distinguishes them, or a word is unknown."""
        if self.unknown:
            return None
        if self.known:
            return read[self.group][0]
        return None if self.model.read_texts is None else self.model.read_texts(result, self.texts)[0]

    def reached(self, p: Tensor | None, result: Mapping[str, int]) -> tuple[Reached, str]:
        """Whether the prompt is the likeliest alternative, and why not; `result` are the classes of the result."""
        if self.unknown:
            words = ", ".join(f"“{word}”" for word in self.unknown)
            so = " and ignores it" if self.known else ", so it cannot steer towards this prompt"
            sentence = f"The CLIP of this model was not trained on {words}{so}."
            return "no", f"{sentence} {suggestion(self.prompt, self.model)}".rstrip()
        if p is None:
            sentence = f"No held-out network of this model can confirm “{self.prompt}”."
            return "not measured", f"{sentence} {suggestion(self.prompt, self.model)}".rstrip()
        hiding = next((one for one in result.items() if self.group in self.model.hidden_by([one])), None)
        if self.known and hiding is not None:
            seen, what = self.model.classes[hiding[0]][hiding[1]], readable(self.group)
            return "no", f"The held-out classifier sees “{seen}” ({readable(hiding[0])}), and then there is no {what}."
        likeliest = int(p.argmax())
        if likeliest == self.index:
            return "yes", ""
        name = self.model.classes[self.group][likeliest] if self.known else self.texts[likeliest]
        where = f" ({readable(self.group)})" if self.known else ""
        reason = f"The held-out classifier sees “{name}”{where} and not “{self.prompt}”."
        return ("partly" if float(p[self.index]) >= _PARTLY else "no"), reason


def _classes(read: Reading) -> dict[str, int]:
    """The likeliest class of each attribute."""
    return {name: int(p[0].argmax()) for name, p in read.items()}


def _unmeasured(settings: Settings) -> tuple[Reached, str]:
    return "not measured", f"No held-out network measures the goal “{settings.goal.label}”."


def _accepted(similarities: tuple[Similarity, ...]) -> tuple[Reached, str]:
    accepted = [one.accepted for one in similarities]
    if all(accepted):
        return "yes", ""
    refused = ", ".join(one.name for one in similarities if not one.accepted)
    reason = f"Not accepted as the target person at a false match rate of 1 % by: {refused}."
    return ("partly" if any(accepted) else "no"), reason


def _asked(model: Model, prompts: Sequence[_Prompt], person_changes: bool) -> set[str]:
    """The attributes that the goal asks to change."""
    asked = {prompt.group for prompt in prompts if prompt.known}
    return asked | (set(model.person_groups) if person_changes else set())


def _earlier(model: Model, settings: Settings, start: Tensor, now: Sequence[_Prompt]) -> dict[str, int]:
    """The classes that earlier edits of a chain asked for, or that a prompt implies, without those of the prompt."""
    prompts = [*(one for text in settings.earlier_prompts for one in _prompts(model, text, start)), *now]
    asked = [(one.group, one.index) for one in prompts if one.known]
    groups = {one.group for one in now}
    return {group: index for group, index in (*model.implied_by(asked), *asked) if group not in groups}


def _changes(
    model: Model, start: Reading, result: Reading, asked: Collection[str], earlier: Mapping[str, int]
) -> tuple[Change, ...] | None:
    """Attributes that differ from those of the start, or from those that earlier edits asked for."""
    if model.reader is None:
        return None
    before, after = _classes(start), _classes(result)
    before |= earlier
    hidden = model.hidden_by([*before.items(), *after.items()])
    return tuple(
        Change(name, model.classes[name][before[name]], model.classes[name][after[name]])
        for name in before
        if name not in asked and name not in hidden and before[name] != after[name]
    )


def _similarities(model: Model, reference: Tensor, result: Tensor) -> Iterator[Similarity]:
    """By every held-out embedder that has thresholds and finds the faces."""
    for name, embedder in model.held_out.items():
        thresholds = getattr(embedder, "thresholds", None)
        if not thresholds:
            continue
        try:
            distance = person(embedder, reference, result)(result)
        except UserError:  # no face
            continue
        yield Similarity(name, 1 - float(distance[0]), float(thresholds[LOOSE]))
