import pytest

from benchmarks.guidance import BUDGET, OURS, STRENGTHS, WAYS, asked_by, best_strength, table
from benchmarks.guidance.one_step import OneStep


def row(way, strength, confirmed, changed=1, face=0):
    return {
        "way": way.name,
        "strength": strength,
        "face": face,
        "confirmed": confirmed,
        "changed": changed,
        "kept": True,
        "noisiness": 1.0,
        "loss_before": 0.8,
        "loss_after": 0.5,
        "calls": 400,
        "seconds": 2.0,
    }


def test_all_ways_have_the_same_network_calls_and_names_of_their_own():
    assert {way.calls for way in WAYS} == {BUDGET}
    assert len({way.name for way in WAYS}) == len(WAYS)


def test_a_rival_has_the_row_of_its_best_strength():
    rival = WAYS[1]
    rows = [row(rival, 0.1, False), row(rival, 0.3, True, changed=3), row(rival, 1.0, True, changed=2)]
    assert [r["strength"] for r in best_strength(rows, rival)] == [1.0]
    assert best_strength([], rival) == []


def test_the_table_has_a_line_for_every_way_that_ran():
    rows = [row(OURS, 1.0, True), row(OURS, 1.0, False, face=1)]
    lines = list(table(rows))
    assert len(lines) == 3
    assert (
        f"| {OURS.name} |  | 2 | 50 (0 to 100) | 100 (100 to 100) | 1.0 | 1.00 | 0.800 -> 0.500 | 400 | 2.0 |"
        == lines[2]
    )


def test_rows_that_name_no_wish_are_of_texts():
    text, picture = row(OURS, 1.0, True), row(OURS, 1.0, 0.5) | {"wish": "picture"}
    assert asked_by([text, picture], "text") == [text]
    assert asked_by([text, picture], "picture") == [picture]


@pytest.mark.slow
@pytest.mark.parametrize(("wish", "one_step"), [("text", None), ("text", OneStep(travel=2, mean=1)), ("picture", None)])
def test_an_edit_of_a_real_face_makes_the_calls_it_says(wish, one_step):
    from dataclasses import replace

    from benchmarks.guidance import Looks, judged, passports, tasks
    from clay.world import load_world
    from studio.models.embedded import embedded

    world = load_world()
    way = replace(OURS, steps=4, one_step=one_step, updates=2)
    (task,) = tasks(embedded(), world, [1], wish)
    rows = judged(world, Looks(world, passports(range(2))), way, task)
    assert [r["strength"] for r in rows] == ([1.0] if one_step is None else list(STRENGTHS))
    assert all(r["calls"] == way.calls for r in rows)
    assert all(r["wish"] == wish and 0 <= r["confirmed"] <= 1 for r in rows)
    assert task.wanted
    assert rows[0]["loss_after"] < rows[0]["loss_before"]
