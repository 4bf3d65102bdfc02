from dataclasses import replace

import pytest

from benchmarks.guidance.edit import evaluated
from benchmarks.guidance.methods import OURS, STRENGTHS
from benchmarks.guidance.one_step import OneStep
from benchmarks.guidance.tasks import tasks
from benchmarks.morphing.held_out import ImageQuality
from benchmarks.morphing.pairs import passports
from clay.world import load_world
from studio.models.embedded import embedded


@pytest.mark.slow
@pytest.mark.parametrize(("goal", "one_step"), [("text", None), ("text", OneStep(travel=2, mean=1)), ("picture", None)])
def test_an_edit_makes_the_stated_number_of_calls_and_lowers_the_loss(goal, one_step):
    world = load_world()
    method = replace(OURS, steps=4, one_step=one_step, updates=2)
    (task,) = tasks(embedded(), world, [1], goal)
    rows = evaluated(world, ImageQuality(world, passports(range(2))), method, task)
    assert [r["strength"] for r in rows] == ([1.0] if one_step is None else list(STRENGTHS))
    assert all(r["calls"] == method.calls for r in rows)
    assert all(r["goal"] == goal and 0 <= r["confirmed"] <= 1 for r in rows)
    assert task.targets
    assert rows[0]["loss_after"] < rows[0]["loss_before"]
