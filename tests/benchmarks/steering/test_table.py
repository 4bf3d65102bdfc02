from benchmarks.steering.table import details, table


def test_the_table_counts_the_rows():
    row = {"kind": "text", "loss_before": 0.5, "loss_after": 0.2, "similarity_before": 0.5, "similarity_after": 0.8}
    row |= {"confirmed": True, "round_trip_levels": 0, "seconds": 9.0, "prompt": "a hat", "others_changed": []}
    worse = row | {"loss_after": 0.6, "confirmed": False, "round_trip_levels": 2, "others_changed": ["hat", "glasses"]}
    _, _, line, *rest = table([row, worse, row])
    assert "| 3 text | 2 of 3 | 0.50 -> 0.80 | attribute classifier: 2 of 3 | 2 of 255 levels | 9.0 |" in line
    assert "a hat: 2 of 3" in rest[0]
    assert "0.7 change on average, and none in 2 of 3" in rest[1]


def test_each_embedder_is_counted_separately():
    row = {"kind": "morph", "accepted": {"identity": True, "convolutional": False}}
    assert [*details([row, row | {"accepted": {"identity": True, "convolutional": True}}])] == [
        "\nAccepted, morph: identity 2 of 2, convolutional 1 of 2, all 1 of 2."
    ]
