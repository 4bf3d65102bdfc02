"""Write the tables and figures of docs/results.md from existing rows: `python -m benchmarks.results`

Runs no network. Rows with other weights than most rows of their folder, or with settings that no method has any more,
are left out; the page states their number.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.guidance.__main__ import FOLDER as EDITS
from benchmarks.morphing.__main__ import FOLDER as MORPHS
from benchmarks.results.page import PAGE, write


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--morphs", type=Path, default=MORPHS, help="folder of benchmarks.morphing")
    parser.add_argument("--objective", type=Path, default=MORPHS.with_name("objective"), help="the same, --size 128")
    parser.add_argument("--edits", type=Path, default=EDITS, help="folder of benchmarks.guidance")
    parser.add_argument("--page", type=Path, default=PAGE, help="file to write")
    options = parser.parse_args()
    write(options.morphs, options.objective, options.edits, options.page)
    print(f"Wrote {options.page}.")


if __name__ == "__main__":
    main()
