"""The command line of benchmarks that write a page of docs/."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

DOCS = Path(__file__).resolve().parent.parent / "docs"


def page_options(prog: str, description: str | None, steps: Sequence[int]) -> argparse.Namespace:
    """Parse --steps and --out (created if missing), and use one torch thread.

    Args:
        prog: name of the benchmark, for --help.
        description: for --help.
        steps: default of --steps.
    """
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog=prog, description=description, formatter_class=layout)
    parser.add_argument("--steps", type=int, nargs="+", default=list(steps), help="numbers of sampling steps")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder for the page")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(exist_ok=True)
    return options
