import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutants import MUTANTS, Mutant
from benchmarks.mutation import mutate, verdict

ROOT = Path(__file__).resolve().parents[2]


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
    rooms = {"tables.py", "schedule.py", "denoiser.py", "encode.py", "sample.py", "gradients/unrolled.py"}
    assert rooms | {"gradients/discrete.py", "gradients/continuous.py"} <= {m.file for m in MUTANTS}


def test_a_mutant_is_written_once_or_not_at_all(tmp_path):
    (tmp_path / "adjointdeis").mkdir()
    file = tmp_path / "adjointdeis" / "some.py"
    file.write_text("a = b + c\n", encoding="utf-8")
    mutate(tmp_path, Mutant("some.py", "b + c", "b - c", ()))
    assert file.read_text(encoding="utf-8") == "a = b - c\n"
    with pytest.raises(ValueError, match=r"'b \+ c' occurs 0 times in some\.py, not once; bring the mutant up to date"):
        mutate(tmp_path, Mutant("some.py", "b + c", "b - c", ()))


def test_an_exit_code_of_pytest_is_a_verdict_or_an_error():
    assert [verdict(code) for code in (0, 1, 2, None)] == ["SURVIVED", "killed", "killed", "killed (took too long)"]
    with pytest.raises(RuntimeError, match=r"exit code 4; is a test of mutants\.py misspelt"):
        verdict(4)


RUN = """
import sys
from benchmarks import mutation
from benchmarks.mutants import Mutant

mutation.MUTANTS = (Mutant("guide/norm_prior.py", {old!r}, {new!r}, ("test_shell.py",)),)
sys.exit(mutation.main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "word", "status"),
    [
        ("d / 2 * (excess", "d * (excess", "killed", 0),
        ("It knows nothing of directions", "No directions", "SURVIVED", 1),
    ],
)
def test_what_no_test_notices_survives_and_fails_the_run(old, new, word, status):
    code = RUN.format(old=old, new=new)
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert f"1/1 {word} in" in ran.stdout
