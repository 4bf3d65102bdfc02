import re
import sys

import pytest

from benchmarks.memory_format import main


@pytest.mark.slow
def test_both_memory_formats_compute_the_same(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["memory_format", "embedded", "--repeats", "1"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    for line in lines:
        ratio, off = re.search(r"ms, ([\d.]+) times as fast; differs by (\S+)$", line).groups()
        assert float(ratio) > 0
        assert float(off) < 1e-5
