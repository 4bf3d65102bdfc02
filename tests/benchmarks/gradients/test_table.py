from benchmarks.gradients.table import header, line, table


def test_the_table_has_a_line_a_row_in_the_order_of_the_methods():
    figures = dict.fromkeys(("seconds", "floor", "own", "memory", "error x_T", "error z", "image"), 0.5)
    rows = [
        {"method": name, "N": n, "calls": [n, 3], **figures} for n in (20, 10) for name in ("AdjointDEIS-1", "Unrolled")
    ]
    rows.append(rows[0] | {"seconds": 7.0})
    lines = table(rows).splitlines()
    assert lines[:2] == header().splitlines()
    assert [text.split(" | ")[:2] for text in lines[2:]] == [
        ["| Unrolled", "10"],
        ["| AdjointDEIS-1", "10"],
        ["| Unrolled", "20"],
        ["| AdjointDEIS-1", "20"],
    ]
    assert (
        line(rows[-1])
        == lines[-1]
        == "| AdjointDEIS-1 | 20 | 20 + 3 | 7.00 | 0.50 | 0.50 | 0 | 5.0e-01 | 5.0e-01 | 5.0e-01 |"
    )
    assert {text.count("|") for text in lines} == {header().count("|") // 2}
