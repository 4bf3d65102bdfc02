from pathlib import Path

import pytest

from benchmarks.mutation.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.file}: {m.old}"[:80])
def test_every_mutant_still_finds_its_text_and_its_tests(mutant):
    text = (ROOT / "adjointdeis" / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert mutant.new != mutant.old
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / "tests" / "adjointdeis" / file).read_text(encoding="utf-8")


def test_no_mistake_is_listed_twice_and_the_mathematics_is_covered():
    assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS) > 25
    files = {"tables.py", "schedule.py", "denoiser.py", "encode.py", "sample.py", "gradients/unrolled.py"}
    assert files | {"gradients/discrete.py", "gradients/continuous.py"} <= {m.file for m in MUTANTS}
