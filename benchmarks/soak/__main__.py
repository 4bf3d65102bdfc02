"""Run a soak test of the web app: `python -m benchmarks.soak`

python -m benchmarks.soak --out docs/soak.md                            # a small test model
python -m benchmarks.soak --model embedded --out docs/soak-embedded.md  # the embedded model

The exit status is the number of broken rules.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.soak.report import markdown, verdicts
from benchmarks.soak.run import SIZES, run


def main(words: Sequence[str] | None = None) -> int:
    """Run the test and print the page; returns the number of broken rules."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=300, help="number of runs")
    parser.add_argument("--clients", type=int, default=8, help="number of simultaneous users")
    parser.add_argument("--seed", type=int, default=0, help="seed of the users' random choices")
    parser.add_argument("--minutes", type=float, default=60.0, help="time limit")
    parser.add_argument("--model", choices=SIZES, default="stub", help="a small test model, or the embedded model")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    given = parser.parse_args(words)
    test, about = run(given)
    page = markdown(about, test.trials, test.samples, test.counts.counted)
    print(page)
    for one in test.trials:
        if one.trouble:
            print(f"{one.kind}: {one.trouble}", file=sys.stderr)
    if given.out:
        given.out.write_text(page, encoding="utf-8")
    return sum(not one.held for one in verdicts(test.trials, test.samples, test.counts.counted))


if __name__ == "__main__":
    sys.exit(main())
