"""Which states to keep, and which to compute again: the plan, apart from its execution.

Reversing a chain of n steps needs every state once, in reverse order. With room for all of them nothing is computed
twice; with room for c, the binomial plan of Revolve (Griewank & Walther 2000, ACM TOMS 26(1), algorithm 799) computes
the fewest steps again: with beta(c, r) = (c + r)! / (c! r!) and r the smallest number with beta(c, r) >= n, a chain of
n links takes r n - beta(c + 1, r - 1) forward steps, and no step more than r of them.

No tensor appears here: a plan is a stream of actions, the same for every sampler and network.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import comb
from typing import NamedTuple


class Keep(NamedTuple):
    """Keep the current state, x_i."""

    at: int


class Restore(NamedTuple):
    """Make the kept x_i the current state."""

    at: int


class Drop(NamedTuple):
    """Forget the kept x_i."""

    at: int


class Advance(NamedTuple):
    """Sample from x_start to x_stop, without a graph."""

    start: int
    stop: int


class Reverse(NamedTuple):
    """Differentiate link i at the current state, x_i: the loss for i = N, else step i."""

    at: int


Action = Keep | Restore | Drop | Advance | Reverse


def plan(steps: int, states: int | None = None) -> Iterator[Action]:
    """The actions that sample N steps from x_0 (the current state at first), take the loss and reverse them all.

    Args:
        steps: N >= 1.
        states: c >= 1, the most states kept at once, x_0 included; None keeps as many as there are, N + 1.

    Raises:
        ValueError: steps or states below 1.
    """
    if steps < 1:
        raise ValueError(f"steps must be at least 1; got {steps}.")
    if states is not None and states < 1:
        raise ValueError(f"At least one state must be kept, the first; got {states}.")
    return _actions(steps + 1, steps + 1 if states is None else min(states, steps + 1))


def _actions(links: int, room: int) -> Iterator[Action]:
    """Reverse links 0 .. links - 1. Parts of the chain wait on a stack, the next to be reversed on top."""
    yield Keep(0)
    waiting = [(0, links, room, False)]
    while waiting:
        # x_start is kept, room counts it, and left says whether the current state is another one by now
        start, stop, room, left = waiting.pop()
        if left:
            yield Restore(start)
        if stop - start > 1 and room > 1:
            middle = start + split(stop - start, room)
            yield Advance(start, middle)
            yield Keep(middle)
            waiting += [(start, middle, room, True), (middle, stop, room - 1, False)]
            continue
        while stop - start > 1:
            stop -= 1
            yield Advance(start, stop)
            yield Reverse(stop)
            yield Restore(start)
        yield Reverse(start)
        yield Drop(start)


def forward_steps(steps: int, states: int | None = None) -> int:
    """How many forward steps `plan` makes in all, by the formula above; arguments as there, steps may be 0."""
    links = steps + 1
    room = links if states is None else min(states, links)
    r = _repetitions(links, room)
    return r * links - comb(room + r, r - 1) if r else 0


def split(links: int, room: int) -> int:
    """How far to advance before the next state is kept, for an optimal plan; links >= 2, room >= 2."""
    r = _repetitions(links, room)
    # both parts must stay within what r (left) and r - 1 (right) repetitions can reverse
    return min(comb(room + r - 1, room), links - comb(room + r - 2, room - 1))


def _repetitions(links: int, room: int) -> int:
    """The smallest r with beta(room, r) >= links: how often a step is made at most."""
    r = 0
    while comb(room + r, r) < links:
        r += 1
    return r
