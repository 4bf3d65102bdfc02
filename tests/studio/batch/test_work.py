import dataclasses
import errno
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from studio.batch.jobs import Job, read_jobs
from studio.batch.output import Output
from studio.batch.plan import Plan
from studio.batch.work import ANIMATED, Tally, work
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import parse
from studio.export.metadata import read_settings
from studio.models.interface import Model

QUICK = {"prompt": "red hair", "sampling_steps": 4, "optimisation_steps": 2}


@pytest.fixture
def pictures(picture_folder: Callable[[int], Path]) -> Path:
    return picture_folder(5)


@pytest.fixture
def run(model: Model, tmp_path: Path, cancel_token: CancelToken) -> Callable[..., tuple[Tally, Output]]:
    """Runs a folder of pictures."""

    def start(
        folder: Path,
        out: str = "out",
        size: int = 2,
        model: Model = model,
        shard: tuple[int, int] = (0, 1),
        **values: object,
    ) -> tuple[Tally, Output]:
        jobs = read_jobs(folder, {**QUICK, **values})
        output = Output(tmp_path / out, model, jobs)
        output.size(size)
        return work(model, Plan.of(jobs, size).shard(*shard), output, cancel_token), output

    return start


def files(output: Output) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.path.iterdir() if path.suffix in (".png", ".webp")}


def test_every_picture_has_a_result_with_its_settings_inside(
    pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    tally, output = run(pictures, seed=5)
    assert (tally.done, tally.failed, tally.stopped) == (5, 0, False)
    assert sorted(files(output)) == sorted(f"{i}{suffix}" for i in range(5) for suffix in (".png", ".frames.webp"))
    assert read_settings(output.path / "3.png").seed == 5
    row = output.rows()["3"]
    assert (row["status"], row["batch"], row["updates"], row["prompt"]) == ("done", 2, 2, "red hair")
    assert row["version_torch"] == version("torch")


def test_a_second_start_does_nothing(pictures: Path, run: Callable[..., tuple[Tally, Output]]) -> None:
    _, output = run(pictures)
    times = {path: path.stat().st_mtime_ns for path in output.path.glob("*.png")}
    tally, _ = run(pictures)
    assert (tally.done, tally.failed) == (0, 0)
    assert times == {path: path.stat().st_mtime_ns for path in output.path.glob("*.png")}


def test_a_second_start_makes_what_is_missing_with_the_same_bytes(
    pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    _, output = run(pictures)
    before = files(output)
    for name in ("0", "3"):
        (output.path / "rows" / f"{name}.json").unlink()
        (output.path / f"{name}.png").unlink()
    tally, _ = run(pictures)
    assert tally.done == 2
    assert files(output) == before


@pytest.mark.slow
def test_shards_make_the_same_files_as_one_process(pictures: Path, run: Callable[..., tuple[Tally, Output]]) -> None:
    _, whole = run(pictures)
    for i in (1, 0):
        _, parts = run(pictures, "parts", shard=(i, 2))
    assert files(whole) == files(parts)


def test_broken_pictures_are_rows_and_the_others_have_results(
    pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    (pictures / "2.png").write_bytes(b"nonsense")
    (pictures / "4.png").write_bytes((pictures / "4.png").read_bytes()[:200])
    (pictures / "5.png").write_bytes(b"")
    tally, output = run(pictures)
    rows = output.rows()
    assert (tally.done, tally.failed) == (3, 3)
    assert {name for name, row in rows.items() if row["status"] == "failed"} == {"2", "4", "5"}
    assert "cannot be read as a picture" in rows["2"]["reason"]
    assert "damaged" in rows["4"]["reason"]
    assert "empty" in rows["5"]["reason"]


def test_a_repaired_picture_is_run_at_the_next_start(pictures: Path, run: Callable[..., tuple[Tally, Output]]) -> None:
    good = (pictures / "2.png").read_bytes()
    (pictures / "2.png").write_bytes(b"nonsense")
    run(pictures)
    (pictures / "2.png").write_bytes(good)
    tally, output = run(pictures)
    assert (tally.done, output.rows()["2"]["status"]) == (1, "done")


def test_the_first_frame_of_an_animation_is_used_and_the_row_says_so(
    pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    frames = [Image.new("RGB", (24, 24), colour) for colour in ("navy", "white")]
    frames[0].save(pictures / "moving.gif", save_all=True, append_images=frames[1:])
    rows = run(pictures)[1].rows()
    assert rows["moving"]["note"] == ANIMATED
    assert "note" not in rows["0"]


@pytest.mark.slow
def test_a_batch_that_runs_out_of_memory_is_halved(
    model: Model, pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        if len(x) > 2:
            raise torch.OutOfMemoryError
        return model.network(t, x, z)

    tally, output = run(pictures, size=4, model=dataclasses.replace(model, network=network))
    assert (tally.done, tally.failed) == (5, 0)
    assert {row["batch"] for row in output.rows().values()} == {1, 2}


@pytest.mark.slow
def test_a_batch_that_fails_is_run_one_picture_at_a_time(
    model: Model, pictures: Path, run: Callable[..., tuple[Tally, Output]]
) -> None:
    white = Image.new("RGB", (24, 24), "white")
    white.save(pictures / "2.png")

    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        if (z > 0.99).all(dim=1).any():
            raise RuntimeError("a kernel failed")
        return model.network(t, x, z)

    tally, output = run(pictures, size=5, model=dataclasses.replace(model, network=network))
    assert (tally.done, tally.failed) == (4, 1)
    assert "incident" in output.rows()["2"]["reason"]
    assert "kernel" not in output.rows()["2"]["reason"]


def test_a_full_disk_ends_the_work_with_a_message_and_a_second_start_goes_on(
    pictures: Path, run: Callable[..., tuple[Tally, Output]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Output._write

    def full(self: Output, path: Path, data: bytes) -> None:
        if path.name.startswith("3"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Output, "_write", full)
        with pytest.raises(UserError, match="The disk is full"):
            run(pictures)
    tally, output = run(pictures)
    assert len(output.done()) == 5
    assert tally.done < 5


def test_a_stopped_batch_has_no_results_and_the_earlier_ones_stay(
    model: Model, pictures: Path, run: Callable[..., tuple[Tally, Output]], cancel_token: CancelToken
) -> None:
    calls: list[int] = []

    def network(t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        calls.append(1)
        if len(calls) == 40:
            cancel_token.set()
        return model.network(t, x, z)

    tally, output = run(pictures, model=dataclasses.replace(model, network=network))
    assert tally.stopped
    assert tally.done == len(output.done()) == 2


def test_morphs_are_part_of_a_batch(model: Model, pictures: Path, run: Callable[..., tuple[Tally, Output]]) -> None:
    rows = [
        {"image": "0.png", "second": "1.png", "loss": "morph", "out": "both"},
        {"image": "2.png", "second": "3.png", "loss": "identity"},
        {"image": "2.png", "loss": "identity", "out": "none"},
    ]
    manifest = pictures / "jobs.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)))
    tally, output = run(manifest)
    found = output.rows()
    assert (tally.done, tally.failed) == (2, 1)
    assert found["both"]["held_out_networks"] == 2
    assert "target face" in found["none"]["reason"]


def test_jobs_that_cannot_run_are_rows(model: Model, tmp_path: Path, cancel_token: CancelToken) -> None:
    jobs = [Job(1, "gone", tmp_path / "gone.png", None, parse(QUICK), "There is no file gone.png.")]
    output = Output(tmp_path / "out", model, jobs)
    output.size(1)
    tally = work(model, Plan.of(jobs, 1), output, cancel_token)
    assert tally.reasons == {"gone": "There is no file gone.png."}
    assert output.rows()["gone"]["status"] == "failed"
