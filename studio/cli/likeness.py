"""The clay likeness on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from clay.people.ranges import NUMBERS, OPTIONS
from studio.cli.settings import existing
from studio.core.errors import UserError
from studio.images.clay import draw_scene
from studio.images.likeness import Likeness, changed_by_hand, likeness_of

_SIZES = (64, 128, 256, 512)


def add_likeness_flags(parser: argparse.ArgumentParser) -> None:
    """Add the photograph, --out, --face, --candidate, --size and --set."""
    parser.add_argument("image", type=Path, help="photograph of a person, with their consent")
    parser.add_argument("--out", type=Path, metavar="PNG", help="output file")
    parser.add_argument("--face", type=int, default=1, metavar="N", help="the Nth largest face of the photograph")
    parser.add_argument("--candidate", type=int, default=1, choices=(1, 2, 3), help="the most likely one by default")
    parser.add_argument("--size", type=int, default=64, choices=_SIZES, help="side of the output in pixels")
    values = ", ".join((*OPTIONS, *NUMBERS, "hat"))
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=f"one value: {values}")


def write_likeness(args: argparse.Namespace) -> Likeness:
    """Write the PNG, and print its name.

    Raises:
        UserError: the photograph has no usable face, or a value of --set is none that it can have.
    """
    found = likeness_of(existing(args.image), args.face)
    chosen = found._replace(scenes=(found.scenes[args.candidate - 1], *found.scenes))
    chosen = changed_by_hand(chosen, dict(_value(text) for text in args.set))
    path: Path = args.out or Path(f"{args.image.stem}-clay.png")
    draw_scene(chosen.scenes[0], args.size).save(path, "PNG")
    print(path)
    return chosen


def _value(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UserError(f"--set needs NAME=VALUE, but got {text!r}.")
    if name == "hat":
        return name, value.lower() in ("true", "yes", "1")
    try:
        return name, float(value) if name in NUMBERS else value
    except ValueError as error:
        raise UserError(f"{name} must be a number, but is {value!r}.") from error
