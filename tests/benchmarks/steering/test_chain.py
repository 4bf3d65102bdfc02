from benchmarks.steering.chain import CHAIN, table


def row(face: int, edit: int, **values: object) -> dict[str, object]:
    usual = {
        "confirmed": True,
        "there": ["glasses", "hat"],
        "compared": ["skin_tone", "facial_hair", "hair_style"],
        "changed": [],
        "same_person": {"convolutional": True, "transformer": True},
        "strangeness": 1.0 + 0.1 * face,
        "best_step": 2,
        "seconds": 1.0,
    }
    return {"face": face, "edit": edit, **usual, **values}


def test_figures_of_the_end_are_those_of_the_last_edit() -> None:
    end = len(CHAIN) - 1
    rows = [row(0, 0, strangeness=9.0, confirmed=False), row(0, end), row(1, end, changed=["skin_tone"])]
    rows[2]["same_person"] = {"convolutional": True, "transformer": False}
    lines = list(table(rows))
    assert lines[0] == "| chains of 6 edits, 2 faces | |"
    assert "| edits confirmed by the attribute classifier | 2 of 3" in lines[2]
    assert "there at the end | 4 of 8" in lines[3]
    assert "as at the start | 5 of 6" in lines[4]
    assert "FMR 1 % | 1 of 2" in lines[5]
    assert "median, largest | 1.05, 1.10 |" in lines[6]
