"""The goals that the studio comes with, in the order in which they are listed. A new loss is added here: one entry.

Losses are 1 - cosine, so similarity = 1 - loss.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from losses import ClipDirectional, ClipImage, ClipText, Loss
from losses.faces import FaceNetwork
from studio.core.errors import UserError
from studio.core.goals import GOALS, Goal, Networks, Term
from studio.core.settings import Settings
from studio.runs.goals import another_person as persons
from studio.runs.goals.another_person import another_person
from studio.runs.goals.edit import CLIP, ENOUGH, REACHED, edit
from studio.runs.goals.face_losses import both, person
from studio.runs.goals.same_person import SamePerson

_FIRST, _SECOND = "Match with the first face", "Match with the second face"


def _match(settings: Settings) -> str:
    return f"Match with “{settings.prompt}”"


def _clip_text(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    text = ClipText(networks.clip, networks.tokenizer, settings.prompt)
    return Term(text, {_match(settings): text})


def _clip_directional(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    texts = settings.source_text, settings.prompt
    try:
        direction = ClipDirectional(networks.clip, networks.tokenizer, *texts, start)
    except ValueError as error:  # only the texts can be wrong here, and the message is safe to show
        raise UserError(str(error)) from error
    return Term(direction, {_match(settings): ClipText(networks.clip, networks.tokenizer, settings.prompt)})


def _clip_image(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    image = ClipImage(networks.clip, networks.tokenizer, second)
    return Term(image, {"Match with the second picture": image})


def _closer_to_person(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    face = person(networks.identity, second, start)
    return Term(face, {_SECOND: face, **_by_held_out(networks, start, second)})


def _identity(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    face = person(networks.identity, second, start)
    loss, on_z = another_person(face, networks, start, second)
    return Term(loss, {_SECOND: face, **_by_held_out(networks, start, second)}, on_z)


def _by_held_out(networks: Networks, start: Tensor, second: Tensor) -> Mapping[str, Loss]:
    """Similarities by real face networks that no loss uses; those of the clay world measure morphs only."""
    real = {name: network for name, network in networks.held_out.items() if isinstance(network, FaceNetwork)}
    return {f"The same by “{name}”": person(network, second, start) for name, network in real.items()}


def _same_person(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    face = person(networks.identity, start, start)
    return Term(SamePerson(face), {_FIRST: face})


def _morph(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    loss = both(networks.identity, start, second, start)
    return Term(loss, {_FIRST: loss.a, _SECOND: loss.b})


GOALS.add(
    Goal(
        "edit",
        "Edit: change what the prompt names",
        edit,
        requires=("prompt", "clip"),
        defaults={"z_rate": 0.15, "closeness": 2.0},
        reached=REACHED,
        enough=ENOUGH,
        clip=CLIP,
        keeps=True,
        redraw=1.0,
    )
)
_CLIP_TEXT = GOALS.add(
    Goal(
        "clip_text",
        "Text: match a prompt",
        _clip_text,
        requires=("prompt", "clip"),
        tabs=("steer", "compare"),
    )
)
_CLIP_DIRECTIONAL = GOALS.add(
    Goal(
        "clip_directional",
        "Direction: from one text to another",
        _clip_directional,
        requires=("prompt", "source_text", "clip"),
    )
)
_CLIP_IMAGE = GOALS.add(
    Goal(
        "clip_image",
        "Picture: look like another picture",
        _clip_image,
        requires=("second_picture", "clip"),
        summary="like the second picture",
        second_label="Target picture",
        second_missing="This goal needs a target picture: upload one, or choose an example below it.",
    )
)
# The usual z_rate and closeness suit texts. Another person is far away in z, and cannot be near to the first in pixels.
# A morph starts half-way to its goal: the steps in z that suit a text would jump past it. Measured on held-out people
# by `python -m benchmarks.steering`, as the share that networks outside every loss confirm.
_IDENTITY = GOALS.add(
    Goal(
        "identity",
        "Person: become another person",
        _identity,
        requires=("second_picture", "identity"),
        defaults={"z_rate": 0.25, "closeness": 0.2},
        reached=persons.REACHED,
        enough=persons.ENOUGH,
        clip=CLIP,
        redraw=2.0,
        tabs=("steer", "compare"),
        summary="the second person",
        second_label="Target face",
        second_missing="This goal needs a target face: upload one, or choose an example below it.",
    )
)
# parts of the mix only, so they are not added to the registry
_SAME_PERSON = Goal("same_person", "Same: stay the same person", _same_person, requires=("identity",))
_CLOSER_TO_PERSON = Goal(
    "closer_to_person",
    "Person: closer to another person",
    _closer_to_person,
    requires=("second_picture", "identity"),
    summary=_IDENTITY.summary,
)
GOALS.add(
    Goal(
        "mix",
        "Mix: weighted sum of goals",
        parts={
            "mix_text": _CLIP_TEXT,
            "mix_direction": _CLIP_DIRECTIONAL,
            "mix_picture": _CLIP_IMAGE,
            "mix_person": _CLOSER_TO_PERSON,
            "mix_same": _SAME_PERSON,
        },
        summary="a mix",
        second_missing="This mix needs a second picture: upload one, or set the weights of the second picture and face "
        "to 0.",
    )
)
GOALS.add(
    Goal(
        "morph",
        "Morph: between two people",
        _morph,
        requires=("second_picture", "identity"),
        defaults={"z_rate": 0.08},
        redraw=4.0,
        tabs=("morph",),
        summary="morph",
        second_label="Second face of the morph",
        second_missing="A morph needs a second face: upload one, or choose an example below it.",
    )
)
