"""`python -m studio.models`: what is ready here, the table of models, and conversions to safetensors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import UserError
from studio.models.placement.configs import CONFIGS
from studio.models.placement.planner import write
from studio.models.status import statuses, summary, table


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words ask for; 1 with a sentence if it cannot be done."""
    given = _parser().parse_args(words)
    try:
        if given.job == "check":
            print(*statuses(given.offline), "", summary(), sep="\n")
        elif given.job == "table":
            print(table())
        elif given.job == "convert":
            from studio.models.convert import convert  # brings diffusers, which takes seconds

            print(convert(given.what, given.folder))
        else:
            write(given.names or CONFIGS)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studio.models", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    check = jobs.add_parser("check", help="each model: ready, downloadable or blocked, and why")
    check.add_argument("--offline", action="store_true", help="ask nobody")
    jobs.add_parser("table", help="the table of models as Markdown")
    conversion = jobs.add_parser("convert", help="weights that are a pickle -> safetensors, without running the pickle")
    conversion.add_argument("what", help="a .bin beside its config.json, the .ckpt of diffae-ffhq, or a model's name")
    conversion.add_argument("folder", type=Path, nargs="?", help="where the last two go; a .bin stays where it is")
    estimate = jobs.add_parser("estimate", help="measure models' memory from their configurations, and write it down")
    estimate.add_argument(
        "names", nargs="*", choices=[*CONFIGS, []], metavar="NAME", help="of the table; all by default"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
