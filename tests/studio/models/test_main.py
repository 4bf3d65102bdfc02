import subprocess
import sys
from pathlib import Path

import pytest

from studio.models.__main__ import main
from studio.models.catalogue.registry import ENTRIES

ROOT = Path(__file__).resolve().parents[3]


def test_check_prints_one_line_for_each_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--offline"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ready        embedded")
    for line, entry in zip(lines, ENTRIES.values(), strict=False):
        assert entry.name in line
        assert entry.licence in line
    assert lines[len(ENTRIES)] == ""
    assert "Start one with python app.py --model NAME." in lines[-2]
    unpinned = [name for name, entry in ENTRIES.items() if entry.repo and not entry.revision]
    assert lines[-1].endswith(f"recorded: {', '.join(unpinned)}.")
    assert {"ddpm-celebahq", "ldm-celebahq"} <= set(unpinned)


@pytest.mark.slow
def test_check_needs_no_library_that_takes_seconds_to_import() -> None:
    code = (
        "import sys; from studio.models.__main__ import main\n"
        "sys.exit(main(['check', '--offline']) or bool({'diffusers', 'transformers', 'open_clip'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=200, stdout=subprocess.DEVNULL)


def test_table_prints_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table"]) == 0
    assert capsys.readouterr().out.startswith("| model |")


def test_a_failed_conversion_is_an_error_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["convert", str(tmp_path / "nothing.bin")]) == 1
    assert capsys.readouterr().err == "There is no file nothing.bin: check its path.\n"
