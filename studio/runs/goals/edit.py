"""The goal "edit": change the attribute in the prompt, and keep the others.

    total =   relu(-log p(prompt) - margin)                CLIP, among alternatives (`studio.runs.goals.alternatives`)
            + relu(-log q(class) - margin)                 linear heads on z, where the model has them
            + KEEP  sum_k KL(p_k(start) || p_k(x))         every other attribute, by the CLIP
            + KEEP  sum_k KL(q_k(start) || q_k(x))         and by the heads
            + SAME  (1 - cos of the face to the start's)   where the model has a face network
            + STRANGE  relu(score(x) - 1.05)               where it has an out-of-distribution score
            + closeness d(x, start)                        as for every goal, where the code predicts no change

and on the variable z itself, from which the image is drawn, as a prior of its gradient

    prior   =   relu(-log q(class | z) - margin) + KEEP  sum_k KL(q_k(z_start) || q_k(z))

Two classifiers of different kinds are combined, because an image can satisfy the CLIP without a visible change; and an
image can satisfy both while the code that drew it is still half-way, which leaves the change faint. The weights are
those that did best on faces outside every split (`python -m benchmarks.steering --kinds text`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from adjointdeis.guide.step_options import Prior
from losses import (
    ClipChoice,
    ClipEncoder,
    ClipKeep,
    CodeChoice,
    CodeKeep,
    Loss,
    SharedEmbedding,
    Strangeness,
    WeightedSum,
)
from studio.core.errors import UserError
from studio.core.goals import Networks, Term
from studio.core.settings import Settings
from studio.runs.goals.alternatives import alternatives
from studio.runs.goals.face_losses import CachedEmbed, person
from studio.runs.goals.same_person import SamePerson

MARGIN, MARGIN_OF_Z = 0.03, 0.01
KEEP = 3.0
SAME = 1.0
STRANGE = 0.5
REACHED: Mapping[str, float] = MappingProxyType({ClipChoice.name: 0.05, CodeChoice.name: 0.05})
"""Largest values of the goal's terms at which it counts as met; with MARGIN a probability of 0.92."""
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
    kept = {name: texts for name, texts in networks.groups.items() if name != found.group}
    choice = ClipChoice(networks.clip, networks.tokenizer, found.texts, found.index, MARGIN)
    keep = ClipKeep(networks.clip, networks.tokenizer, kept, start)
    parts: list[tuple[float, Loss]] = [(1.0, SharedEmbedding(embed, [(1.0, choice), (KEEP, keep)]))]
    prior: Prior | None = None
    if networks.heads:
        in_code, prior = _in_the_code(networks, start, found.group, found.index if found.known else None)
        parts.append((1.0, in_code))
    if (same := _same_person(networks, start)) is not None:
        parts.append((SAME, same))
    if (decode := networks.decode_code) is not None:
        encode = coded(networks)
        parts.append((STRANGE, Strangeness(lambda image: decode(encode(image)))))
    return Term(WeightedSum(parts), {f"Probability of “{settings.prompt}”": Improbability(choice, embed)}, prior)


def coded(networks: Networks) -> Callable[[Tensor], Tensor]:
    """Image -> z, for a model that has a code."""

    def encode(image: Tensor) -> Tensor:
        z = networks.encode(image)
        assert z is not None, "this model has a code"
        return z

    return encode


def _in_the_code(networks: Networks, start: Tensor, group: str, index: int | None) -> tuple[SharedEmbedding, Prior]:
    """Goal and keep by the linear heads, on the image's code and on z; keep alone for a prompt that is no class."""
    encode = coded(networks)
    kept = {name: head for name, head in networks.heads.items() if name != group}
    keep = CodeKeep(encode, kept, start)
    if index is None or group not in networks.heads:
        return SharedEmbedding(encode, [(KEEP, keep)]), lambda z: KEEP * keep.of(z)
    choice, of_z = (CodeChoice(encode, *networks.heads[group], index, m) for m in (MARGIN, MARGIN_OF_Z))
    return SharedEmbedding(encode, [(1.0, choice), (KEEP, keep)]), lambda z: of_z.of(z) + KEEP * keep.of(z)


def _same_person(networks: Networks, start: Tensor) -> SamePerson | None:
    """None where there is no face network, or no face in the image."""
    if networks.identity is None:
        return None
    try:
        return SamePerson(person(networks.identity, start, start))
    except UserError:
        return None
