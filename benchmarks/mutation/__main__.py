"""Do the tests detect a one-symbol mistake in the mathematics? `python -m benchmarks.mutation`

Each mutant of mutants.py is applied to a copy of the package, and its tests run there. If they pass, the mutant has
survived: a test is missing. Each run is a fork of a process that has imported torch and other libraries, so it takes a
second or two. The exit status is 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.mutation.mutants import MUTANTS
from benchmarks.mutation.run import PASSED, copy_project, load, mutate, run_tests, verdict


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="benchmarks.mutation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="only mutants whose file, old text or new text contains this")
    parser.add_argument(
        "--seconds", type=float, default=180, help="time limit of a mutant; exceeding it counts as killed"
    )
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if any(options.only in text for text in (m.file, m.old, m.new))]
    load()
    survivors = []
    with tempfile.TemporaryDirectory() as scratch:
        base = copy_project(Path(scratch) / "base")
        every = sorted({test for mutant in chosen for test in mutant.tests})
        code, log = run_tests(base, every, 1200)
        if code != PASSED:
            print(f"The tests must pass without a mutant; they failed:\n{log}")
            return 1
        for k, mutant in enumerate(chosen):
            start = time.perf_counter()
            folder = Path(scratch) / "mutant"
            shutil.copytree(base, folder)
            mutate(folder, mutant)
            result = verdict(run_tests(folder, mutant.tests, options.seconds)[0])
            shutil.rmtree(folder)
            survivors += [mutant] if result == "SURVIVED" else []
            seconds = time.perf_counter() - start
            print(
                f"{k + 1}/{len(chosen)} {result} in {seconds:.0f} s: {mutant.file}: {mutant.old} -> {mutant.new}",
                flush=True,
            )
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants killed.")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
