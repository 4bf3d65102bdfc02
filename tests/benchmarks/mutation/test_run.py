import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutation.mutants import Mutant
from benchmarks.mutation.run import mutate, verdict

ROOT = Path(__file__).resolve().parents[3]


def test_a_mutant_is_applied_once_or_refused(tmp_path):
    (tmp_path / "adjointdeis").mkdir()
    file = tmp_path / "adjointdeis" / "some.py"
    file.write_text("a = b + c\n", encoding="utf-8")
    mutate(tmp_path, Mutant("some.py", "b + c", "b - c", ()))
    assert file.read_text(encoding="utf-8") == "a = b - c\n"
    with pytest.raises(ValueError, match=r"'b \+ c' occurs 0 times in some\.py, not once; bring the mutant up to date"):
        mutate(tmp_path, Mutant("some.py", "b + c", "b - c", ()))


def test_exit_codes_of_pytest_are_interpreted():
    assert [verdict(code) for code in (0, 1, 2, None)] == ["SURVIVED", "killed", "killed", "killed (timeout)"]
    with pytest.raises(RuntimeError, match=r"exit code 4: check the test names"):
        verdict(4)


RUN = """
from benchmarks.mutation import __main__ as mutation
from benchmarks.mutation.mutants import Mutant

for old, new in {mutants!r}:
    mutation.MUTANTS = (Mutant("guide/norm_prior.py", old, new, ("guide/test_norm_prior.py",)),)
    print("status", mutation.main())
"""


@pytest.mark.slow
def test_a_mutant_that_no_test_detects_survives_and_fails_the_run():
    mutants = [("d / 2 * (excess", "d * (excess"), ("import annotations", "import annotations  # no change")]
    code = RUN.format(mutants=mutants)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=280)
    printed = r"1/1 killed in .*\nstatus 0\n1/1 SURVIVED in .*\nstatus 1\n"
    assert re.fullmatch(printed, ran.stdout, re.DOTALL), ran.stdout + ran.stderr
