import gzip

import pytest

from benchmarks.records import Records, Share, provenance


def test_rows_of_all_processes_are_read_as_one(tmp_path):
    for index in range(2):
        Records(tmp_path, Share(index, 2)).add([{"pair": index}, {"pair": index + 2}])
    assert sorted(row["pair"] for row in Records(tmp_path)) == [0, 1, 2, 3]


def test_an_incomplete_line_is_skipped_and_the_next_one_is_complete(tmp_path):
    records = Records(tmp_path)
    records.add([{"pair": 0}])
    with records.path.open("a", encoding="utf-8") as file:
        file.write('{"pair": 1, "cal')
    assert list(records) == [{"pair": 0}]
    records.add([{"pair": 2}])
    assert list(records) == [{"pair": 0}, {"pair": 2}]


def test_a_gzipped_file_is_read_like_the_others(tmp_path):
    first, second = Records(tmp_path, Share(0, 2)), Records(tmp_path, Share(1, 2))
    first.add([{"pair": 0}])
    second.add([{"pair": 1}])
    packed = tmp_path / f"{first.path.name}.gz"
    packed.write_bytes(gzip.compress(first.path.read_bytes()))
    first.path.unlink()
    assert sorted(row["pair"] for row in Records(tmp_path)) == [0, 1]


def test_networks_of_earlier_rows_have_the_names_of_today(tmp_path):
    (tmp_path / "0-of-1.jsonl").write_text('{"margins": {"identity": [0.1], "judge": [0.2], "jury": [0.3]}}\n')
    (row,) = Records(tmp_path)
    assert row == {"margins": {"identity": [0.1], "convolutional": [0.2], "transformer": [0.3]}}


def test_a_missing_folder_has_no_rows(tmp_path):
    assert list(Records(tmp_path / "nothing")) == []


def test_shares_divide_the_work_without_gaps():
    parts = [Share(index, 3).of(range(10)) for index in range(3)]
    assert sorted(k for part in parts for k in part) == list(range(10))


@pytest.mark.parametrize("text", ["2/2", "a/2", "1", "-1/2"])
def test_an_invalid_shard_is_refused(text):
    with pytest.raises(ValueError, match="shard"):
        Share.parse(text)


def test_rows_state_how_they_were_made():
    made = provenance(3)
    assert made["threads"] == 3
    assert {"command", "commit", "date", "torch", "machine"} <= set(made)
