"""The command `batch` in this process on the stub model; as processes that are killed, and under accelerate."""

import csv
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from studio.cli import main
from studio.models.interface import Model
from tests import forked
from tests.studio.pictures import save_pictures

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["--text", "a face with red hair", "--set", "optimisation_steps=2", "--set", "sampling_steps=4"]


@pytest.fixture
def pictures(picture_folder: Callable[[int], Path]) -> Path:
    return picture_folder(6)


@pytest.fixture
def run(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """The command line on the stub model; the handler of Ctrl-C is restored."""
    monkeypatch.setattr("studio.models.cli.embedded", lambda device, size: model)
    monkeypatch.setattr(main.torch, "set_num_threads", lambda threads: None)
    before = signal.getsignal(signal.SIGINT)
    yield lambda *words: main.main([str(word) for word in words])
    signal.signal(signal.SIGINT, before)


def table(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.suffix in (".png", ".webp")}


def test_a_folder_becomes_results_and_a_table(
    run: Callable[..., int], pictures: Path, tmp_path: Path, capsys: Any
) -> None:
    (pictures / "broken.png").write_bytes(b"nonsense")
    assert run("batch", pictures, *QUICK, "--batch", 4, "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(tmp_path / "out" / "results.csv")
    assert "6 results, 1 failed" in shown.err
    assert [row["name"] for row in table(tmp_path / "out")] == [*map(str, range(6)), "broken"]
    assert run("report", tmp_path / "out") == 0
    assert run("export", tmp_path / "out" / "3.png", "--html", tmp_path / "run.html") == 0
    assert (tmp_path / "run.html").stat().st_size < 2 * 2**20


@pytest.mark.slow
def test_a_limit_and_shards_take_parts_of_the_list(run: Callable[..., int], pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("batch", pictures, *QUICK, "--batch", 1, "--limit", 2, "--out", out) == 0
    assert [row["name"] for row in table(out)] == ["0", "1"]
    for shard in ("1/2", "0/2"):
        assert run("batch", pictures, *QUICK, "--shard", shard, "--out", out) == 0
    assert len(table(out)) == 6


def test_a_dry_run_prints_the_plan_and_writes_nothing(
    run: Callable[..., int], pictures: Path, tmp_path: Path, capsys: Any
) -> None:
    (pictures / "jobs.csv").write_text("image,seed\n0.png,1\n1.png,1\ngone.png,1\n2.png,x\n")
    assert run("batch", pictures / "jobs.csv", *QUICK, "--batch", 2, "--dry-run", "--out", tmp_path / "out") == 0
    shown = capsys.readouterr().out
    assert "2 to run in 1 batches of up to 2, 0 done before." in shown
    assert "Line 4 cannot run: There is no file gone.png." in shown
    assert "Line 5 cannot run: Seed" in shown
    assert "At most 48 network calls" in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch", "0"], "--batch takes a number of at least 1"),
        (["--limit", "-1"], "--limit takes a number of at least 1"),
        (["--find-face"], "--find-face is for one picture"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    run: Callable[..., int], pictures: Path, tmp_path: Path, capsys: Any, words: list[str], message: str
) -> None:
    assert run("batch", pictures, *QUICK, "--out", tmp_path / "out", *words) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/2"])
def test_a_shard_is_checked(run: Callable[..., int], pictures: Path, tmp_path: Path, capsys: Any, shard: str) -> None:
    with pytest.raises(SystemExit):
        run("batch", pictures, *QUICK, "--out", tmp_path / "out", f"--shard={shard}")
    assert "from 0 to N - 1" in capsys.readouterr().err


def test_nothing_is_written_into_a_folder_with_other_files(
    run: Callable[..., int], pictures: Path, tmp_path: Path, capsys: Any
) -> None:
    before = files(pictures)
    assert run("batch", pictures, *QUICK, "--out", pictures) == 1
    assert "holds other files" in capsys.readouterr().err
    assert files(pictures) == before
    assert sorted(p.name for p in pictures.iterdir()) == sorted(before)


def command(*words: object) -> list[str]:
    """On the smaller of the embedded models."""
    return ["batch", *map(str, words), *QUICK, "--model", "embedded", "--threads", "1", "--batch", "2"]


@pytest.fixture(scope="module")
def here() -> Iterator[Callable[[list[str]], int]]:
    """The command line in this process, on the model itself; the threads and the handler of Ctrl-C are restored."""
    before, threads = signal.getsignal(signal.SIGINT), torch.get_num_threads()
    yield main.main
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def whole(here: Callable[[list[str]], int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one process makes of the pictures."""
    folder = tmp_path_factory.mktemp("batch")
    assert here(command(save_pictures(folder / "pictures", 6), "--out", folder / "whole")) == 0
    return folder / "whole"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely here")
def test_a_killed_process_loses_its_running_batch_at_most(
    pictures: Path, whole: Path, here: Callable[[list[str]], int], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = forked.start(main.main, ["studio", *command(pictures, "--out", out)])
    deadline = time.monotonic() + 200
    while len(list((out / "rows").glob("*.json"))) < 2 and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    assert forked.status(process) == -signal.SIGKILL
    done = {path.stem for path in (out / "rows").glob("*.json")}
    assert 2 <= len(done) < 6
    times = {name: (out / f"{name}.png").stat().st_mtime_ns for name in done}
    assert here(command(pictures, "--out", out)) == 0
    assert files(out) == files(whole)
    assert [row["name"] for row in table(out)] == [row["name"] for row in table(whole)]
    assert times == {name: (out / f"{name}.png").stat().st_mtime_ns for name in done}
    assert not list(out.rglob("*.part"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks safely here")
def test_two_processes_of_accelerate_make_the_files_of_one(pictures: Path, whole: Path, tmp_path: Path) -> None:
    launch = pytest.importorskip("accelerate.commands.launch")
    words = ["accelerate launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    words += ["--mixed_precision", "no", "--dynamo_backend", "no", "-m", "studio.cli"]
    variables = {"OMP_NUM_THREADS": "1", "PYTHONPATH": ROOT}
    launched = forked.start(launch.main, [*words, *command(pictures, "--out", tmp_path / "two")], **variables)
    assert forked.status(launched) == 0
    assert files(whole) == files(tmp_path / "two")
    assert [row["name"] for row in table(tmp_path / "two")] == [str(i) for i in range(6)]
