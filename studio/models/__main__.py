"""`python -m studio.models`: check which models are ready, print their table, convert weights to safetensors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import UserError
from studio.models.placement.configs import CONFIGS
from studio.models.placement.planner import write
from studio.models.status import statuses, summary, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job and return the exit status: 0, or 1 after an error message."""
    args = _parser().parse_args(argv)
    try:
        if args.job == "check":
            print(*statuses(args.offline), "", summary(), sep="\n")
        elif args.job == "table":
            print(table())
        elif args.job == "convert":
            from studio.models.loading.convert import convert  # imports diffusers, which takes seconds

            print(convert(args.source, args.folder))
        else:
            write(args.names or CONFIGS)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studio.models", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    check = jobs.add_parser("check", help="each model: ready, downloadable or blocked, and why")
    check.add_argument("--offline", action="store_true", help="use no network")
    jobs.add_parser("table", help="the table of models as Markdown")
    conversion = jobs.add_parser("convert", help="convert pickled weights to safetensors, without running the pickle")
    conversion.add_argument("source", help="a .bin beside its config.json, the .ckpt of diffae-ffhq, or a model's name")
    conversion.add_argument("folder", type=Path, nargs="?", help="output folder of the last two; a .bin needs none")
    estimate = jobs.add_parser("estimate", help="estimate models' memory from their configurations, and save it")
    estimate.add_argument(
        "names", nargs="*", choices=[*CONFIGS, []], metavar="NAME", help="a model of the table; all by default"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
