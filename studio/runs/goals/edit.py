"""The goal "edit": change the attributes in the prompt, and keep the others.

    total =   relu(-log p(prompt) - margin)                CLIP, among alternatives (`studio.runs.goals.alternatives`)
            + relu(-log q(class) - margin)                 linear heads on z, where the model has them
            + both for every other class in the prompt
            + the same for earlier edits of a chain        with a larger margin: they are made, and are to stay
            + KEEP  sum_k KL(p_k(start) || p_k(x))         every other attribute that is to be kept, by the CLIP
            + KEEP  sum_k KL(q_k(start) || q_k(x))         and by the heads
            + SAME  (1 - cos of the face to the start's)   where the model has a face network
            + STRANGE  relu(score(x) - 1.05)               where it has an out-of-distribution score
            + closeness d(x, start)                        as for every goal, where the code predicts no change

and after each update the variable z, from which the image is drawn, moves to a near code at which
(`studio.runs.code_projection`)

    relu(-log q(class | z) - margin) = 0  and the same for earlier edits, and no q_k(z) of what is kept has changed

Earlier edits are those of `Settings.earlier`, unless the prompt or a later one is about the same attribute. What a goal
implies counts as an earlier edit: a blue hat is a hat. What the goals or the start hide is not kept.

A run ends at the first update at which the goal is met and what is kept has changed by no more than `ENOUGH`.

Steps of z are made in the metric of its covariance (`studio.runs.step_options`), and noise is drawn again where the
image that z predicts has changed (`studio.runs.redraw`). `Settings.may_change` names attributes that are not kept.

An attribute that the start hides and the goal shows, such as the colour of a new hat, gets a class, too (`_revealed`).
Without one z goes to the mean of all classes, which is a pale hat.

Attributes of `Networks.unseen` have no terms of the CLIP, only those of the heads.

Two classifiers of different kinds are combined, because an image can satisfy the CLIP without a visible change; and an
image can satisfy both while the code that drew it is still half-way, which leaves the change faint. The weights are
those that did best on faces outside every split (`python -m benchmarks.steering --kinds text`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor
from torch.nn import functional as F

from losses import (
    ClipChoice,
    ClipEncoder,
    ClipKeep,
    CodeChoice,
    CodeKeep,
    Loss,
    SharedEmbedding,
    Strangeness,
    Together,
    WeightedSum,
)
from losses.shared import OnEmbedding
from studio.core.errors import UserError
from studio.core.goals import BACKGROUND, PERSON, Networks, Term
from studio.core.settings import Settings
from studio.runs.goals.alternatives import Alternatives
from studio.runs.goals.asked_for import asked_for
from studio.runs.goals.face_losses import CachedEmbed, person
from studio.runs.goals.kept import OnZ, coded, in_distribution, kept_by_clip, kept_in_code, shown_in
from studio.runs.goals.measured_loss import of_z
from studio.runs.goals.same_person import SamePerson

MARGIN, MARGIN_OF_Z, MARGIN_OF_EARLIER = 0.01, 1e-5, 0.1
EARLIER, EARLIER_IN_CODE = "earlier edits", "earlier edits in the code"
REVEALED = "what comes into view"
SAME, SAME_OF_SEVERAL = 1.0, 2.0
STRANGE, STRANGE_OF_SEVERAL = 0.5, 1.5
"""What each edit leaves adds up, so the weights are larger for several, in a prompt or in a chain."""
REACHED: Mapping[str, float] = MappingProxyType(
    {ClipChoice.name: 0.1, CodeChoice.name: 0.1, of_z(CodeChoice.name): 1e-4}
)
"""Largest values of the goal's terms at which it counts as met; with MARGIN a probability of 0.90."""
ENOUGH: Mapping[str, float] = MappingProxyType(
    {
        ClipChoice.name: 0.05,
        CodeChoice.name: 0.05,
        **dict.fromkeys((ClipKeep.name, CodeKeep.name, EARLIER, EARLIER_IN_CODE), 0.25),
        SamePerson.name: 0.35,
        Strangeness.name: 0.1,
    }
)
"""Largest values of all terms at which a met goal ends the run. Below them the terms measure errors of their own
networks more than changes of the picture, and further updates often left it worse to look at.
"""
CLIP: Mapping[str, float] = MappingProxyType({"z": 1.0, "noises": 0.3, "x_T": 0.3})
"""Lengths above which gradients are shortened."""


@dataclass(frozen=True)
class Improbability:
    """1 - p(prompt), which a curve shows as the probability; embedding and code are those of the loss."""

    name = "improbability"
    choice: ClipChoice | CodeChoice
    embed: Callable[[Tensor], Tensor]

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 1]."""
        return 1 - self.choice.probability(self.embed(image))


def edit(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    """The term of a request; arguments as for `studio.core.goals.Build`."""
    encoder = ClipEncoder(networks.clip, networks.tokenizer)
    embed, encode = CachedEmbed(encoder.image), CachedEmbed(coded(networks))
    now, earlier = goals(settings, networks, encoder, start)
    found = {**now, **earlier}
    shown, classes = shown_in(networks, encoder, start), _classes(found)
    hidden = {*networks.hidden_by(shown), *networks.hidden_by(classes)}
    changing = {*(one.group for one in found.values()), *hidden, *_free(settings, networks)}
    choices = {
        prompt: ClipChoice(
            networks.clip, networks.tokenizer, one.texts, one.index, MARGIN if prompt in now else MARGIN_OF_EARLIER
        )
        for prompt, one in found.items()
        if not (one.known and one.group in networks.unseen)
    }
    by_clip: list[tuple[float, OnEmbedding]] = []
    for prompts, name in ((now, ClipChoice.name), (earlier, EARLIER)):
        by_clip += _together([choices[prompt] for prompt in prompts if prompt in choices], name)
    by_clip += kept_by_clip(networks, changing, start)
    parts: list[tuple[float, Loss]] = [(1.0, SharedEmbedding(embed, by_clip))] if by_clip else []
    on_z: OnZ = ()
    if networks.heads:
        in_code, on_z = _in_the_code(networks, encode, start, changing, now, earlier)
        on_z = [*on_z, *_revealed(networks, encode, start, shown, classes)]
        parts += [] if in_code is None else [(1.0, in_code)]
    if PERSON not in changing and (same := _same_person(networks, start)) is not None:
        parts.append((SAME if len(found) == 1 else SAME_OF_SEVERAL, same))
    if (strange := in_distribution(networks)) is not None:
        parts.append((STRANGE if len(found) == 1 else STRANGE_OF_SEVERAL, strange))
    similarities = {
        f"Probability of “{prompt}”": (
            Improbability(choices[prompt], embed)
            if prompt in choices
            else Improbability(CodeChoice(encode, *networks.heads[one.group], one.index), encode)
        )
        for prompt, one in found.items()
    }
    named = tuple(one.group for one in now.values()) if all(one.known for one in now.values()) else ()
    return Term(WeightedSum(parts), similarities, on_z, named)


def goals(
    settings: Settings, networks: Networks, encoder: ClipEncoder, start: Tensor
) -> tuple[dict[str, Alternatives], dict[str, Alternatives]]:
    """What the prompt asks for, and what of earlier edits still counts, with the alternatives of each.

    Of several prompts about one attribute the last one counts. What they imply comes last, by the text of its class.
    """
    now, earlier = asked_for(settings.prompt, networks, encoder, start), dict[str, Alternatives]()

    def add(prompt: str, one: Alternatives) -> None:
        counted = {**now, **earlier}
        if prompt not in counted and not (one.known and one.group in {other.group for other in counted.values()}):
            earlier[prompt] = one

    for prompt in reversed(settings.earlier_prompts):
        for phrase, one in asked_for(prompt, networks, encoder, start).items():
            add(phrase, one)
    for group, index in sorted(networks.implied_by(_classes({**now, **earlier}))):
        texts = tuple(networks.groups[group])
        add(texts[index], Alternatives(texts, index, group, known=True))
    return now, earlier


def _classes(found: Mapping[str, Alternatives]) -> list[tuple[str, int]]:
    return [(one.group, one.index) for one in found.values() if one.known]


def _free(settings: Settings, networks: Networks) -> frozenset[str]:
    """What need not be kept."""
    known = [*networks.groups, PERSON, BACKGROUND]
    if unknown := sorted(settings.free - set(known)):
        raise UserError(f"May change: this model has no “{unknown[0]}”; choose among {', '.join(known)}.")
    if set(known[:-2]) <= settings.free:
        raise UserError("Something has to be kept: leave at least one attribute out of “May change”.")
    return settings.free


def _in_the_code(
    networks: Networks,
    encode: CachedEmbed,
    start: Tensor,
    changing: Collection[str],
    now: Mapping[str, Alternatives],
    earlier: Mapping[str, Alternatives],
) -> tuple[SharedEmbedding | None, OnZ]:
    """Goals and keep by the linear heads, on the image's code and on z; keep alone for prompts that are no class."""
    keep = kept_in_code(networks, changing, start)

    def choices(some: Mapping[str, Alternatives], margin: float, name: str) -> OnZ:
        known = (one for one in some.values() if one.known and one.group in networks.heads)
        return _together([CodeChoice(encode, *networks.heads[one.group], one.index, margin) for one in known], name)

    made = choices(earlier, MARGIN_OF_EARLIER, EARLIER_IN_CODE)
    on_image, on_z = ([*choices(now, margin, CodeChoice.name), *made, *keep] for margin in (MARGIN, MARGIN_OF_Z))
    return SharedEmbedding(encode, on_image) if on_image else None, on_z


def _revealed(
    networks: Networks,
    encode: CachedEmbed,
    start: Tensor,
    shown: Collection[tuple[str, int]],
    goals: Collection[tuple[str, int]],
) -> OnZ:
    """A class for each attribute that the start hides and the goals show, as losses of z.

    What belongs to the person gets the most probable class of the start's code. Anything else gets the least probable
    one: the heads take the colours of hair and background for that of a hat, and a new hat is to be seen.

    Args:
        networks: of the model, which has heads.
        encode: image -> z.
        start: the image, (1, 3, h, w).
        shown: the classes that the start shows.
        goals: the classes of the goals.
    """
    still_hidden = networks.hidden_by({**dict(shown), **dict(goals)}.items())
    found = set(networks.hidden_by(shown)) - set(still_hidden) - {name for name, _ in goals}
    choices = []
    for name in sorted(found & set(networks.heads)):
        head = networks.heads[name]
        logits = F.linear(encode(start), head.weight, head.bias)[0]
        index = logits.argmax() if name in networks.person_groups else logits.argmin()
        choices.append(CodeChoice(encode, *head, int(index), MARGIN_OF_Z))
    return _together(choices, REVEALED)


def _together(choices: Sequence[OnEmbedding], name: str) -> OnZ:
    """Several goals as one term, if there are any."""
    return [(1.0, Together(choices, name))] if choices else []


def _same_person(networks: Networks, start: Tensor) -> SamePerson | None:
    """None where there is no face network, or no face in the image."""
    if networks.identity is None:
        return None
    try:
        return SamePerson(person(networks.identity, start, start))
    except UserError:
        return None
