import re
import sys

import pytest

from benchmarks.precomputed import main


@pytest.mark.slow
def test_both_variants_give_the_same_gradient(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["precomputed", "--repeats", "1"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["0", "2"]
    for line in lines:
        ratio, off = re.search(r"kept: ([\d.]+) times.*differ by (\S+)$", line).groups()
        assert float(ratio) > 0
        assert float(off) < 1e-5
