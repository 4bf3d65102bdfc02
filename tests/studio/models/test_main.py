from pathlib import Path

import pytest

from studio.models.__main__ import main


def test_check_prints_a_line_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--offline"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("ready        embedded")


def test_table_prints_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table"]) == 0
    assert capsys.readouterr().out.startswith("| model |")


def test_what_cannot_be_converted_ends_with_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["convert", str(tmp_path / "nothing.bin")]) == 1
    assert capsys.readouterr().err == "There is no file nothing.bin: check its path.\n"
