from functools import cache
from math import comb

import pytest

from adjointdeis.gradients.checkpointing import (
    Advance,
    Discard,
    Restore,
    Reverse,
    Store,
    checkpoint_schedule,
    forward_steps,
)


@cache
def fewest(links, room):
    """By exhaustive search: the fewest forward steps that reverse a chain of links."""
    if links == 1:
        return 0
    if room == 1:
        return links * (links - 1) // 2
    return min(m + fewest(links - m, room - 1) + fewest(m, room) for m in range(1, links))


def carried_out(steps, states):
    """Follow a schedule with indices alone: (forward steps, reversed links, most states stored)."""
    current, kept, forward, reversed_links, most = 0, set(), 0, [], 0
    for action in checkpoint_schedule(steps, states):
        match action:
            case Store(i):
                assert i == current
                kept.add(i)
                most = max(most, len(kept))
            case Restore(i):
                assert i in kept
                current = i
            case Discard(i):
                kept.remove(i)
            case Advance(start, stop):
                assert start == current < stop
                forward, current = forward + stop - start, stop
            case Reverse(i):
                assert i == current
                reversed_links.append(i)
    assert not kept
    return forward, reversed_links, most


@pytest.mark.parametrize("states", [1, 2, 3, 5, 8, 20, None])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 33])
def test_every_link_is_reversed_once_in_order_within_the_checkpoints_and_at_least_cost(steps, states):
    forward, reversed_links, most = carried_out(steps, states)
    room = min(states or steps + 1, steps + 1)
    assert reversed_links == list(range(steps, -1, -1))
    assert most <= room
    assert forward == fewest(steps + 1, room)


def test_with_memory_for_all_nothing_is_computed_twice():
    assert carried_out(50, None)[0] == 50
    assert carried_out(5000, None)[0] == 5000


@pytest.mark.parametrize(("steps", "states"), [(100, 5), (300, 10), (1000, 10)])
def test_the_cost_is_that_of_the_binomial_formula(steps, states):
    links, r = steps + 1, 1
    while comb(states + r, r) < links:
        r += 1
    assert carried_out(steps, states)[0] == r * links - comb(states + r, r - 1)


@pytest.mark.parametrize("states", [1, 2, 3, 5, 8, 20, None])
def test_the_cost_is_computed_without_a_schedule(states):
    assert forward_steps(0, states) == 0
    for steps in (1, 2, 5, 13, 40):
        assert forward_steps(steps, states) == carried_out(steps, states)[0]


@pytest.mark.parametrize("states", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("steps", [2, 3, 7, 10, 20, 50, 137])
def test_evaluations_equal_those_of_the_checkpoint_schedules_package(steps, states):
    """An independent implementation of Revolve. It records the last step as it passes, as `graphs=1` does."""
    package = pytest.importorskip("checkpoint_schedules")
    if states >= steps:
        pytest.skip("the package keeps fewer states than there are steps")
    schedule, forward, recorded = package.Revolve(steps, states), 0, 0
    for action in schedule:
        if isinstance(action, package.Forward):
            made = min(action.n1, steps) - action.n0
            forward += made
            recorded += made if action.write_adj_deps else 0
        if isinstance(action, package.EndReverse):
            break
    assert recorded == steps
    assert carried_out(steps - 1, states)[0] == forward - recorded


def test_schedules_without_checkpoints_or_steps_are_refused():
    with pytest.raises(ValueError, match="checkpoints must be at least 1, for the first state; got 0"):
        checkpoint_schedule(5, 0)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        checkpoint_schedule(0)
