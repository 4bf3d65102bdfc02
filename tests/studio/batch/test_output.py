import json
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow import parquet

from studio.batch.jobs import Job
from studio.batch.output import Output
from studio.core.errors import UserError
from studio.core.settings import parse
from studio.models.interface import Model

A, B = (Job(i, name, Path(f"{name}.png"), None, parse({"prompt": "x"})) for i, name in enumerate("ab"))


def opened(path: Path, model: Model, *jobs: Job) -> Output:
    output = Output(path, model, jobs or (A, B))
    output.size(4)
    return output


def test_a_job_is_done_when_its_row_and_its_picture_are_there(model: Model, tmp_path: Path) -> None:
    output = opened(tmp_path / "out", model)
    output.save(A, {"status": "done"}, {".png": b"picture"})
    output.save(B, {"status": "failed", "reason": "no file"}, {})
    assert output.done() == {"a"}
    (output.path / "a.png").unlink()
    assert output.done() == set()


def test_a_damaged_row_counts_as_missing(model: Model, tmp_path: Path) -> None:
    output = opened(tmp_path, model)
    output.save(A, {"status": "done"}, {".png": b"picture"})
    (tmp_path / "rows" / "a.json").write_text('{"name": "a", "sta')
    assert output.done() == set()


def test_a_write_that_breaks_off_leaves_the_earlier_file(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = opened(tmp_path, model)
    output.save(A, {"status": "done"}, {".png": b"first"})
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        output.save(A, {"status": "done"}, {".png": b"second"})
    assert (tmp_path / "a.png").read_bytes() == b"first"


def test_the_table_has_every_row_as_csv_and_as_parquet(model: Model, tmp_path: Path) -> None:
    output = opened(tmp_path, model)
    output.save(A, {"status": "done", "loss_after": 0.5, "reached": "yes"}, {".png": b""})
    output.save(B, {"status": "failed", "reason": "no, file"}, {})
    assert output.table() == 2
    rows = parquet.read_table(tmp_path / "results.parquet").to_pylist()
    assert [(row["name"], row["loss_after"], row["reason"]) for row in rows] == [
        ("a", 0.5, None),
        ("b", None, "no, file"),
    ]
    assert '"no, file"' in (tmp_path / "results.csv").read_text()


def test_a_folder_with_other_files_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "holiday.png").write_bytes(b"")
    with pytest.raises(UserError, match="holds other files"):
        opened(tmp_path, model)
    with pytest.raises(UserError, match="is a file"):
        opened(tmp_path / "holiday.png", model)


def test_the_folder_of_another_batch_is_refused(model: Model, tmp_path: Path) -> None:
    opened(tmp_path, model).save(A, {"status": "done"}, {".png": b""})
    opened(tmp_path, model)
    for jobs in ([B], [replace(A, settings=parse({"prompt": "another"})), B], [replace(A, image=Path("c.png"))]):
        with pytest.raises(UserError, match="of another batch"):
            opened(tmp_path, model, *jobs)
    with pytest.raises(UserError, match="results of the model stub"):
        opened(tmp_path, replace(model, digest="1" * 64))


def test_a_list_may_become_longer(model: Model, tmp_path: Path) -> None:
    opened(tmp_path, model, A).save(A, {"status": "done"}, {".png": b""})
    assert opened(tmp_path, model, A, B).done() == {"a"}


def test_batches_keep_the_size_of_the_first_start(model: Model, tmp_path: Path) -> None:
    assert Output(tmp_path, model, [A]).size(4) == 4
    assert Output(tmp_path, model, [A]).size(9) == 4


@pytest.mark.parametrize("text", ["[", "[]", json.dumps({"batch": "many"})])
def test_a_damaged_plan_is_named(model: Model, tmp_path: Path, text: str) -> None:
    (tmp_path / "batch.json").write_text(text)
    with pytest.raises(UserError, match=r"batch.json is damaged"):
        Output(tmp_path, model, [A])


def test_two_processes_do_not_work_on_one_part(model: Model, tmp_path: Path) -> None:
    output = opened(tmp_path, model)
    lock = output.lock("0-of-1")
    with pytest.raises(UserError, match="Another process is at work"):
        output.lock("0-of-1")
    with output.lock("1-of-2"):
        pass
    lock.release()
    with output.lock("0-of-1"):
        pass


def test_a_full_disk_is_named_wherever_it_is_found(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = opened(tmp_path / "a", model)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    for write in (output.table, lambda: opened(tmp_path / "b", model)):
        with pytest.raises(UserError, match="The disk is full"):
            write()
