"""What several goals keep as it was at the start: attributes, and the image's place in the model's distribution.

KEEP  sum_k KL(p_k(start) || p_k(x))       attributes k by the CLIP, and by the heads on the code where there are any
strange  relu(score(x) - 1.05)             where the model predicts an image from its code
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from torch import Tensor

from losses import ClipEncoder, ClipKeep, CodeKeep, Strangeness
from losses.shared import OnEmbedding
from studio.core.goals import Networks
from studio.runs.goals.alternatives import shown_classes

OnZ = Sequence[tuple[float, OnEmbedding]]
KEEP = 3.0


def coded(networks: Networks) -> Callable[[Tensor], Tensor]:
    """Image -> z, for a model that has a code."""

    def encode(image: Tensor) -> Tensor:
        z = networks.encode(image)
        assert z is not None, "this model has a code"
        return z

    return encode


def seen_groups(networks: Networks) -> dict[str, Sequence[str]]:
    """The groups that the CLIP sees in images."""
    return {name: texts for name, texts in networks.groups.items() if name not in networks.unseen}


def shown_in(networks: Networks, encoder: ClipEncoder, image: Tensor) -> Collection[tuple[str, int]]:
    """The classes that an image, (1, 3, h, w), shows, by the CLIP; what `Networks.hidden_by` them is not to be kept."""
    return shown_classes(encoder, image, seen_groups(networks))


def kept_by_clip(networks: Networks, changing: Collection[str], start: Tensor) -> list[tuple[float, ClipKeep]]:
    """All attributes that the CLIP sees but those that may change, with the weight; nothing if none is left."""
    groups = {name: texts for name, texts in seen_groups(networks).items() if name not in changing}
    return [(KEEP, ClipKeep(networks.clip, networks.tokenizer, groups, start))] if groups else []


def kept_in_code(networks: Networks, changing: Collection[str], start: Tensor) -> list[tuple[float, CodeKeep]]:
    """The same by the heads on the code; the model has some."""
    heads = {name: head for name, head in networks.heads.items() if name not in changing}
    return [(KEEP, CodeKeep(coded(networks), heads, start))] if heads else []


def in_distribution(networks: Networks) -> Strangeness | None:
    """None for a model that predicts no image from its code."""
    if (decode := networks.decode_code) is None:
        return None
    encode = coded(networks)
    return Strangeness(lambda image: decode(encode(image)))
