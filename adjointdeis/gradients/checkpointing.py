"""Checkpointing schedules: which states to store and which to compute again. The schedule, apart from its execution.

Reversing a chain of n links needs every state once, in reverse order. With memory for all of them nothing is computed
twice. With c checkpoints, the binomial schedule of Revolve (Griewank & Walther 2000, ACM TOMS 26(1), algorithm 799)
computes the fewest steps again: with beta(c, r) = (c + r)! / (c! r!) and the repetition number r, the smallest with
beta(c, r) >= n, a chain of n links takes r n - beta(c + 1, r - 1) forward steps, and no step is made more than r times.

No tensor appears here: a schedule is a stream of actions, the same for every sampler and network.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple


class Store(NamedTuple):
    """Store the current state, x_i, as a checkpoint."""

    at: int


class Restore(NamedTuple):
    """Make the stored x_i the current state."""

    at: int


class Discard(NamedTuple):
    """Free the stored x_i."""

    at: int


class Advance(NamedTuple):
    """Sample from x_start to x_stop, without a graph."""

    start: int
    stop: int


class Reverse(NamedTuple):
    """Differentiate link i at the current state, x_i: the loss for i = N, else step i."""

    at: int


Action = Store | Restore | Discard | Advance | Reverse


def checkpoint_schedule(steps: int, checkpoints: int | None = None) -> Iterator[Action]:
    """The actions that sample N steps from x_0 (the current state at first), take the loss and reverse them all.

    Args:
        steps: N >= 1.
        checkpoints: c >= 1, the most states stored at once, x_0 included; None stores all N + 1.

    Raises:
        ValueError: steps or checkpoints below 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}.")
    if checkpoints is not None and checkpoints < 1:
        raise ValueError(f"checkpoints must be at least 1, for the first state; got {checkpoints}.")
    return _actions(steps + 1, steps + 1 if checkpoints is None else min(checkpoints, steps + 1))


def _actions(links: int, checkpoints: int) -> Iterator[Action]:
    """Reverse links 0 .. links - 1. Pending parts of the chain are on a stack, the next to be reversed on top."""
    yield Store(0)
    pending = [(0, links, checkpoints, False)]
    while pending:
        # x_start is stored and counted in `checkpoints`; `restore`: the current state is another one by now
        start, stop, checkpoints, restore = pending.pop()
        if restore:
            yield Restore(start)
        if stop - start > 1 and checkpoints > 1:
            middle = start + advance_length(stop - start, checkpoints)
            yield Advance(start, middle)
            yield Store(middle)
            pending += [(start, middle, checkpoints, True), (middle, stop, checkpoints - 1, False)]
            continue
        while stop - start > 1:
            stop -= 1
            yield Advance(start, stop)
            yield Reverse(stop)
            yield Restore(start)
        yield Reverse(start)
        yield Discard(start)


def forward_steps(steps: int, checkpoints: int | None = None) -> int:
    """The number of forward steps that `checkpoint_schedule` makes, by the formula above; steps may be 0."""
    links = steps + 1
    c = links if checkpoints is None else min(checkpoints, links)
    r = repetition_number(links, c)
    return r * links - comb(c + r, r - 1) if r else 0


def advance_length(links: int, c: int) -> int:
    """How far an optimal schedule advances before it stores the next checkpoint; links >= 2, c >= 2."""
    r = repetition_number(links, c)
    # both parts must stay within what r (left) and r - 1 (right) repetitions can reverse
    return min(comb(c + r - 1, c), links - comb(c + r - 2, c - 1))


def repetition_number(links: int, c: int) -> int:
    """The smallest r with beta(c, r) >= links: how often a step is made at most."""
    r = 0
    while comb(c + r, r) < links:
        r += 1
    return r
