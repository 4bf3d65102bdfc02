from pathlib import Path

import pytest

from benchmarks.soak.__main__ import main


@pytest.mark.slow
def test_a_short_soak_test_breaks_no_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--runs", "24", "--clients", "4", "--out", str(tmp_path / "soak.md")]) == 0
    assert (tmp_path / "soak.md").read_text(encoding="utf-8").strip() == capsys.readouterr().out.strip()
