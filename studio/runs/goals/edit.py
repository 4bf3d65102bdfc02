"""The goal "edit": change the attribute in the prompt, and keep the others.

    total =   relu(-log p(prompt) - margin)                CLIP, among alternatives (`studio.runs.goals.alternatives`)
            + relu(-log q(class) - margin)                 linear heads on z, where the model has them
            + KEEP  sum_k KL(p_k(start) || p_k(x))         every other attribute that is to be kept, by the CLIP
            + KEEP  sum_k KL(q_k(start) || q_k(x))         and by the heads
            + SAME  (1 - cos of the face to the start's)   where the model has a face network
            + STRANGE  relu(score(x) - 1.05)               where it has an out-of-distribution score
            + closeness d(x, start)                        as for every goal, where the code predicts no change

and on the variable z itself, from which the image is drawn

    prior   =   relu(-log q(class | z) - margin) + KEEP  sum_k KL(q_k(z_start) || q_k(z))

Steps of z are made in the metric of its covariance (`studio.runs.step_options`), and noise is drawn again where the
image that z predicts has changed (`studio.runs.redraw`). `Settings.may_change` names attributes that are not kept.

Two classifiers of different kinds are combined, because an image can satisfy the CLIP without a visible change; and an
image can satisfy both while the code that drew it is still half-way, which leaves the change faint. The weights are
those that did best on faces outside every split (`python -m benchmarks.steering --kinds text`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from losses import (
    ClipChoice,
    ClipEncoder,
    CodeChoice,
    Loss,
    SharedEmbedding,
    WeightedSum,
)
from studio.core.errors import UserError
from studio.core.goals import BACKGROUND, PERSON, Networks, Term
from studio.core.settings import Settings
from studio.runs.goals.alternatives import Alternatives, alternatives
from studio.runs.goals.face_losses import CachedEmbed, person
from studio.runs.goals.kept import KEEP, OnZ, coded, in_distribution, kept_by_clip, kept_in_code
from studio.runs.goals.measured_loss import of_z
from studio.runs.goals.same_person import SamePerson

MARGIN, MARGIN_OF_Z = 0.01, 0.003
SAME = 1.0
STRANGE = 0.5
REACHED: Mapping[str, float] = MappingProxyType(
    {ClipChoice.name: 0.03, CodeChoice.name: 0.03, of_z(CodeChoice.name): 0.0}
)
"""Largest values of the goal's terms at which it counts as met; with MARGIN a probability of 0.96."""
CLIP: Mapping[str, float] = MappingProxyType({"z": 1.0, "noises": 0.3, "x_T": 0.3})
"""Lengths above which gradients are shortened."""


@dataclass(frozen=True)
class Improbability:
    """1 - p(prompt), which a curve shows as the probability; the embedding is that of the loss."""

    name = "improbability"
    choice: ClipChoice
    embed: CachedEmbed

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 1]."""
        return 1 - self.choice.probability(self.embed(image))


def edit(settings: Settings, networks: Networks, start: Tensor, second: Tensor) -> Term:
    """The term of a request; arguments as for `studio.core.goals.Build`."""
    encoder = ClipEncoder(networks.clip, networks.tokenizer)
    embed = CachedEmbed(encoder.image)
    found = alternatives(settings.prompt, networks.groups, encoder, start)
    choice = ClipChoice(networks.clip, networks.tokenizer, found.texts, found.index, MARGIN)
    changing = {found.group, *_free(settings, networks)}
    keep = kept_by_clip(networks, changing, start)
    parts: list[tuple[float, Loss]] = [(1.0, SharedEmbedding(embed, [(1.0, choice), (KEEP, keep)]))]
    on_z: OnZ = ()
    if networks.heads:
        in_code, on_z = _in_the_code(networks, start, changing, found)
        parts.append((1.0, in_code))
    if PERSON not in changing and (same := _same_person(networks, start)) is not None:
        parts.append((SAME, same))
    if (strange := in_distribution(networks)) is not None:
        parts.append((STRANGE, strange))
    return Term(WeightedSum(parts), {f"Probability of “{settings.prompt}”": Improbability(choice, embed)}, on_z)


def _free(settings: Settings, networks: Networks) -> frozenset[str]:
    """What need not be kept."""
    known = [*networks.groups, PERSON, BACKGROUND]
    if unknown := sorted(settings.free - set(known)):
        raise UserError(f"May change: this model has no “{unknown[0]}”; choose among {', '.join(known)}.")
    if set(known[:-2]) <= settings.free:
        raise UserError("Something has to be kept: leave at least one attribute out of “May change”.")
    return settings.free


def _in_the_code(
    networks: Networks, start: Tensor, changing: Collection[str], found: Alternatives
) -> tuple[SharedEmbedding, OnZ]:
    """Goal and keep by the linear heads, on the image's code and on z; keep alone for a prompt that is no class."""
    encode, keep = coded(networks), kept_in_code(networks, changing, start)
    if not found.known or found.group not in networks.heads:
        return SharedEmbedding(encode, [(KEEP, keep)]), [(KEEP, keep)]
    choice, sure = (CodeChoice(encode, *networks.heads[found.group], found.index, m) for m in (MARGIN, MARGIN_OF_Z))
    return SharedEmbedding(encode, [(1.0, choice), (KEEP, keep)]), [(1.0, sure), (KEEP, keep)]


def _same_person(networks: Networks, start: Tensor) -> SamePerson | None:
    """None where there is no face network, or no face in the image."""
    if networks.identity is None:
        return None
    try:
        return SamePerson(person(networks.identity, start, start))
    except UserError:
        return None
