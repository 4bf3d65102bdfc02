from benchmarks.soak.page_client import RunOutput, _update


def test_position_seed_and_first_frame_are_read_from_the_outputs() -> None:
    output, names = RunOutput(), ["status", "live", "numbers"]
    waiting = ["<b>In the queue: 3 runs before yours</b>", {"__type__": "update"}, ""]
    _update(output, names, waiting, began=0.0)
    assert (output.place, output.first, output.seed) == (3, None, None)
    _update(output, names, ["", {"image": "data:"}, "<tr><th scope=row>Seed</th><td>77</td></tr>"], began=0.0)
    assert output.first is not None
    assert (output.place, output.seed) == (3, 77)
