import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from studio.server import temp_dir as module
from studio.server.temp_dir import PREFIX, sweep, temporary_folder

_PROGRAM = """
import sys, tempfile
from pathlib import Path
from studio.server.temp_dir import temporary_folder
with temporary_folder() as folder:
    (folder / "face.png").write_text("a face")
    print(folder, flush=True)
    sys.stdin.read()
"""


def start(place: Path) -> tuple[subprocess.Popen[str], Path]:
    env = {**os.environ, "TMPDIR": str(place)}
    program = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    assert program.stdout is not None
    return program, Path(program.stdout.readline().strip())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "_MIN_AGE", -1.0)
    for name in ("GRADIO_TEMP_DIR", "TORCHINDUCTOR_CACHE_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_every_temporary_file_is_deleted_when_the_program_ends(tmp_path: Path) -> None:
    with temporary_folder() as folder:
        assert Path(tempfile.mkdtemp()).parent == folder
        assert Path(os.environ["GRADIO_TEMP_DIR"]).parent == folder
        assert not Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).is_relative_to(folder)
    assert not folder.exists()
    assert tempfile.gettempdir() == str(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_the_folder_of_a_killed_program_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    killed, left = start(tmp_path)
    alive, used = start(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert (left / "face.png").is_file()
    with temporary_folder():
        assert not left.exists()
        assert (used / "face.png").is_file()
    alive.communicate()
    assert not used.exists()


def test_recent_folders_and_those_with_another_prefix_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (f"{PREFIX}young", "somebody-else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    monkeypatch.setattr(module, "_MIN_AGE", 60.0)
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(module, "_MIN_AGE", -1.0)
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["somebody-else"]
