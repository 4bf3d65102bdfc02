"""The goal "identity": become the person of the second picture, and keep expression, glasses and the like.

    total =   PERSON  relu(1 - cos - level)                the face network of the loss; level: accepted with a margin
            + PERSON  relu(d(x) - LEVEL)                   the person in the code, where the model has such a map
            + KEEP  sum_k KL(p_k(start) || p_k(x))         attributes that are not the person's, if the start shows
                                                           them, by CLIP and heads
            + STRANGE  relu(score(x) - 1.05)               where it has an out-of-distribution score
            + closeness d(x, start)                        as for every goal, where the code predicts no change

with d(x) of `losses.CodePerson`, and after each update z moves to a near code (`studio.runs.code_projection`) at which

    relu(d(z) - LEVEL) = 0  and no q_k(z) of what is kept has changed

A face network without thresholds has 1 - cos in place of its hinge. 1 - cos alone has no point at which it is
satisfied: its gradient goes on past acceptance, into patterns that only its own network sees. Steps of z and noise are
as for the goal "edit".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from losses import (
    ClipEncoder,
    ClipKeep,
    CodeKeep,
    CodePerson,
    Hinge,
    Identity,
    Loss,
    SharedEmbedding,
    Strangeness,
    WeightedSum,
    acceptance_level,
)
from studio.core.goals import Networks
from studio.runs.goals.kept import OnZ, coded, in_distribution, kept_by_clip, kept_in_code, shown_in
from studio.runs.goals.measured_loss import of_z

PERSON, STRANGE = 5.0, 1.0
MARGIN = 0.15
"""Of the similarity, above the threshold at FMR 0.1 %."""
LEVEL = 0.05
"""Distance of the person in the code that satisfies."""
REACHED: Mapping[str, float] = MappingProxyType(
    {Identity.name: 0.0, CodePerson.name: 0.05, of_z(CodePerson.name): 0.05}
)
ENOUGH: Mapping[str, float] = MappingProxyType({ClipKeep.name: 0.25, CodeKeep.name: 0.25, Strangeness.name: 0.1})
"""As of the goal "edit": largest values of what is kept at which a run that has reached its goal ends."""


def another_person(face: Identity, networks: Networks, start: Tensor, second: Tensor) -> tuple[Loss, OnZ]:
    """The loss, and the losses of z.

    Args:
        face: distance to the person of the second picture.
        networks: of the model.
        start: the first picture, (1, 3, h, w).
        second: the second picture.
    """
    thresholds = getattr(networks.identity, "thresholds", None)
    close = Hinge(face, acceptance_level(thresholds["fmr_0.1_percent"], MARGIN)) if thresholds else face
    parts: list[tuple[float, Loss]] = [(PERSON, close)]
    on_z: OnZ = ()
    changing = set(networks.person_groups)
    if networks.clip is not None:
        shown = shown_in(networks, ClipEncoder(networks.clip, networks.tokenizer), start)
        changing |= {*networks.hidden_by(shown)}
        parts += kept_by_clip(networks, changing, start)
    if networks.code_person is not None:
        encode = coded(networks)
        in_code = CodePerson(encode, networks.code_person, encode(second), LEVEL)
        on_z = [(PERSON, in_code), *kept_in_code(networks, changing, start)]
        parts.append((1.0, SharedEmbedding(encode, on_z)))
    if (strange := in_distribution(networks)) is not None:
        parts.append((STRANGE, strange))
    return WeightedSum(parts), on_z
