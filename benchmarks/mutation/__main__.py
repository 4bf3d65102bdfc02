"""Do the tests notice a one-symbol mistake in the mathematics? `python -m benchmarks.mutation`

Each mutant of mutants.py is written into a copy of the package, and the tests that must notice it run there. One that
they pass has survived: a test is missing. Each runs in a fork of a process that has torch and the other libraries
loaded, so that a mutant costs a second or two. Exit status 1 if one survives.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from benchmarks.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
LOADED = ("torch", "torch.testing", "numpy", "pytest", "diffusers", "torchdiffeq", "torch._dynamo")
PASSED, FAILED, NOT_IMPORTED = 0, 1, 2  # pytest's exit codes


def copy_project(folder: Path) -> Path:
    """The package and its own tests. Without conftest.py: shapes are not what is tested here."""
    ignored = shutil.ignore_patterns("__pycache__")
    for room in ("adjointdeis", "tests/adjointdeis", "benchmarks"):
        shutil.copytree(ROOT / room, folder / room, ignore=ignored)
    for file in ("tests/truth.py", "pyproject.toml"):
        shutil.copy2(ROOT / file, folder / file)
    return folder


def mutate(folder: Path, mutant: Mutant) -> None:
    """Write the mistake.

    Raises:
        ValueError: the text does not occur, or not once: the code has moved on, and the mutant must follow.
    """
    file = folder / "adjointdeis" / mutant.file
    text = file.read_text(encoding="utf-8")
    if (times := text.count(mutant.old)) != 1:
        raise ValueError(
            f"{mutant.old!r} occurs {times} times in {mutant.file}, not once; bring the mutant up to date."
        )
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def run_tests(folder: Path, tests: Sequence[str], seconds: float) -> tuple[int | None, str]:
    """pytest's exit code (None if it took too long) and what it printed, in a fork of this process."""
    log = folder / "log.txt"
    child = multiprocessing.get_context("fork").Process(target=_in_child, args=(folder, tests, log))
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
        return None, log.read_text(encoding="utf-8")
    return child.exitcode, log.read_text(encoding="utf-8")


def _in_child(folder: Path, tests: Sequence[str], log: Path) -> None:
    import pytest

    os.chdir(folder)
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry and Path(entry).resolve() != ROOT)]
    paths = [f"tests/adjointdeis/{test}" for test in tests]
    with log.open("w", encoding="utf-8") as out, redirect_stdout(out), redirect_stderr(out):
        code = pytest.main(["-x", "-q", "-c", "pyproject.toml", "-p", "no:cacheprovider", *paths])
    os._exit(int(code))


def verdict(code: int | None) -> str:
    """What an exit code means for a mutant.

    Raises:
        RuntimeError: pytest could not run these tests at all.
    """
    if code == PASSED:
        return "SURVIVED"
    if code in (FAILED, NOT_IMPORTED):
        return "killed"
    if code is None:
        return "killed (took too long)"
    raise RuntimeError(f"pytest ended with exit code {code}; is a test of mutants.py misspelt?")


def load() -> None:
    """Import what every run needs, once; never the package under test."""
    for name in LOADED:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="mutants whose file, old or new text holds this")
    parser.add_argument("--seconds", type=float, default=180, help="a mutant whose tests take longer counts as killed")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if any(options.only in text for text in (m.file, m.old, m.new))]
    load()
    survivors = []
    with tempfile.TemporaryDirectory() as scratch:
        base = copy_project(Path(scratch) / "base")
        every = sorted({test for mutant in chosen for test in mutant.tests})
        code, log = run_tests(base, every, 1200)
        if code != PASSED:
            print(f"Without a mistake the tests must pass; they did not:\n{log}")
            return 1
        for k, mutant in enumerate(chosen):
            start = time.perf_counter()
            folder = Path(scratch) / "mutant"
            shutil.copytree(base, folder)
            mutate(folder, mutant)
            word = verdict(run_tests(folder, mutant.tests, options.seconds)[0])
            shutil.rmtree(folder)
            survivors += [mutant] if word == "SURVIVED" else []
            seconds = time.perf_counter() - start
            print(
                f"{k + 1}/{len(chosen)} {word} in {seconds:.0f} s: {mutant.file}: {mutant.old} -> {mutant.new}",
                flush=True,
            )
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed.")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
