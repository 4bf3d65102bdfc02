from benchmarks.guidance.methods import METHODS, OURS
from benchmarks.guidance.table import best_strength, of_goal, table
from tests.benchmarks.rows import edit_row


def test_the_table_uses_the_best_strength():
    other = METHODS[1]
    rows = [edit_row(other, 0.1, False), edit_row(other, 0.3, True, changed=3), edit_row(other, 1.0, True, changed=2)]
    assert [r["strength"] for r in best_strength(rows, other)] == [1.0]
    assert best_strength([], other) == []


def test_the_table_has_a_line_for_every_method_with_rows():
    rows = [edit_row(OURS, 1.0, True), edit_row(OURS, 1.0, False, face=1)]
    lines = list(table(rows))
    assert len(lines) == 3
    assert (
        f"| {OURS.name} |  | 2 | 50 (0 to 100) | 100 (100 to 100) | 1.0 | 1.00 | 0.800 -> 0.500 | 400 | 2.0 |"
        == lines[2]
    )


def test_rows_are_selected_by_goal_and_older_rows_by_their_older_field():
    text, picture = edit_row(OURS, 1.0, True), edit_row(OURS, 1.0, 0.5) | {"goal": "picture"}
    older = edit_row(OURS, 1.0, 0.5) | {"wish": "picture"}
    assert of_goal([text, picture, older], "text") == [text]
    assert of_goal([text, picture, older], "picture") == [picture, older]
