"""Choices among alternatives: a goal with a point at which it is satisfied, and the rest kept as it was.

    goal   relu(-log p(x)[index] - margin)                      0 where the class has probability exp(-margin) or more
    keep   sum_k KL(p_k(start) || p_k(x))                       0 where every other group of classes is as at the start

with p = softmax(logits). 1 - cosine has no such point: its gradient goes on once the picture shows what was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def excess_surprise(log_p: Tensor, index: Tensor, margin: float) -> Tensor:
    """relu(-log p[index] - margin).

    Args:
        log_p: (b, classes).
        index: of the class, (1,) for all images or (b,).
        margin: at least 0.

    Returns:
        (b,), at least 0.
    """
    chosen = log_p.gather(1, index.to(log_p.device).expand(len(log_p))[:, None])[:, 0]
    return F.relu(-chosen - margin)


def divergence(start: Mapping[str, Tensor], now: Mapping[str, Tensor]) -> Tensor:
    """sum_k KL(p_k(start) || p_k(now)) over the groups of `start`.

    Args:
        start: log-probabilities by group, (1, classes) or (b, classes) each.
        now: the same groups, (b, classes) each.

    Returns:
        (b,), at least 0.
    """
    terms = [(p.exp() * (p - now[k])).sum(dim=1) for k, p in ((k, p.to(now[k])) for k, p in start.items())]
    return torch.stack(terms).sum(dim=0)


def class_index(index: int | Sequence[int], classes: int) -> Tensor:
    """One index for all images, or one each, as (1,) or (b,).

    Raises:
        ValueError: fewer than two classes, or an index that is none of them.
    """
    found = torch.tensor([index] if isinstance(index, int) else list(index))
    if classes < 2:
        raise ValueError(f"A choice needs at least two alternatives; got {classes}.")
    if not ((found >= 0) & (found < classes)).all():
        raise ValueError(f"The index of an alternative is 0 to {classes - 1}; got {found.tolist()}.")
    return found


def check_margin(margin: float) -> float:
    """The margin itself.

    Raises:
        ValueError: it is negative or not finite.
    """
    if not 0 <= margin < float("inf"):
        raise ValueError(f"The margin of a choice must be at least 0 and finite; got {margin}.")
    return margin


def check_groups(groups: Mapping[str, object]) -> None:
    """Raises ValueError if there is no group."""
    if not groups:
        raise ValueError("There is nothing to keep: give at least one group of classes.")
