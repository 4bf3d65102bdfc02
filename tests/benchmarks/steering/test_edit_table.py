from benchmarks.steering.edit_table import edits_table

ROW = {
    "kind": "text", "loss": "clip_text", "confirmed": True, "first_confirmed": 4, "others_changed": ["hat", "glasses"],
    "same_person": {"convolutional": True, "transformer": False}, "background": 20.0, "strangeness": 1.5, "updates": 20,
    "seconds": 5.0,
}  # fmt: skip


def test_losses_are_beside_each_other_with_their_intervals():
    better = ROW | {
        "loss": "edit",
        "others_changed": [],
        "same_person": dict.fromkeys(ROW["same_person"], True),
        "updates": 9,
    }
    failed = better | {"confirmed": False, "first_confirmed": None, "background": None}
    lines = list(edits_table([ROW, ROW, better, failed], "text"))
    assert lines[0] == "| text | clip_text | edit |"
    assert "| confirmed by the attribute classifier | 2 of 2, 100 % (34 to 100) | 1 of 2, 50 % (9 to 91) |" in lines
    assert "| of 10 other attributes changed, where both images show them, mean | 2.00 | 0.00 |" in lines
    assert any(line.endswith("FMR 1 % | 0 of 2, 0 % (0 to 66) | 2 of 2, 100 % (34 to 100) |") for line in lines)
    assert "| background changed, levels of 255: median, largest | 20.0, 20.0 | 20.0, 20.0 |" in lines
    assert "| updates to the first confirmation: median, largest | 4, 4 | 4, 4 |" in lines
    assert not any("outside of the area" in line for line in lines)
    confined = list(edits_table([ROW, better | {"loss": "edit, parts", "outside": 0.25}], "text"))
    assert "| changed outside of the area, levels of 255: median, largest | - | 0.2, 0.2 |" in confined


def test_rows_of_another_kind_or_of_an_earlier_version_make_no_table():
    assert list(edits_table([ROW, {"kind": "expression", "confirmed": True}], "expression")) == []
