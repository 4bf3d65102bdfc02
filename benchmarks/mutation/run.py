"""Run the tests of one mutant in a fork of this process."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

from benchmarks.mutation.mutants import Mutant

ROOT = Path(__file__).resolve().parent.parent.parent
LOADED = ("torch", "torch.testing", "numpy", "pytest", "diffusers", "torchdiffeq", "torch._dynamo")
PASSED, FAILED, NOT_IMPORTED = 0, 1, 2  # pytest's exit codes


def copy_project(folder: Path) -> Path:
    """Copy the package and its tests into a folder. conftest.py is left out: shape checks are not needed here."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("adjointdeis", "tests/adjointdeis", "benchmarks"):
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    for file in ("tests/truth.py", "pyproject.toml"):
        shutil.copy2(ROOT / file, folder / file)
    return folder


def mutate(folder: Path, mutant: Mutant) -> None:
    """Apply a mutant to a copy of the project.

    Raises:
        ValueError: its text does not occur exactly once, because the code has changed.
    """
    file = folder / "adjointdeis" / mutant.file
    text = file.read_text(encoding="utf-8")
    if (times := text.count(mutant.old)) != 1:
        raise ValueError(
            f"{mutant.old!r} occurs {times} times in {mutant.file}, not once; bring the mutant up to date."
        )
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def run_tests(folder: Path, tests: Sequence[str], seconds: float) -> tuple[int | None, str]:
    """Run tests in a fork of this process; returns pytest's exit code (None after a timeout) and its output."""
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
    """Whether a mutant was killed, by pytest's exit code.

    Raises:
        RuntimeError: pytest could not run the tests.
    """
    if code == PASSED:
        return "SURVIVED"
    if code in (FAILED, NOT_IMPORTED):
        return "killed"
    if code is None:
        return "killed (timeout)"
    raise RuntimeError(f"pytest ended with exit code {code}: check the test names in mutants.py.")


def load() -> None:
    """Import the libraries that every run needs, but not the package under test."""
    for name in LOADED:
        with suppress(ModuleNotFoundError):
            importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)
