"""The studio without a page.

    python -m studio.cli steer IMAGE --text "a face with red hair"       change a picture
    python -m studio.cli morph FIRST SECOND                              one face of two
    python -m studio.cli compare IMAGE --text "a face with a hat"        gradient methods side by side
    python -m studio.cli settings                                        every setting, its default and range

Settings come from --preset, then from --settings FILE (a JSON, or a PNG that was saved here), then from every --set
NAME=VALUE; later ones win. The result is a PNG with its record inside, and the record as JSON beside it. Ctrl-C ends a
run early and keeps its best picture. Another model than the embedded one is chosen with --model. Of a photograph,
--find-face crops to the largest face, and --in-photo writes the photo with the result in it. --plugin adds goals
(docs/goals.md).
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image
from rich.console import Console

from studio.cli.photo import add_face_flag, add_photo_flag, check_photo, face_crops, write_photo
from studio.cli.settings import collected, existing
from studio.cli.show import show_comparison, show_morph, show_outcome, show_settings, watch
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.goals import GOALS
from studio.core.gradients import GRADIENTS
from studio.core.plugins import add_plugin_flag, load_plugins
from studio.core.presets import PRESETS, suited
from studio.export.metadata import record, to_png
from studio.export.morph import morph_record
from studio.images.label import LABEL, mark
from studio.models.cli import add_flags, chosen
from studio.models.interface import Model
from studio.runs.compare import compare
from studio.runs.events import Outcome
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request
from studio.runs.steer import steer


def main(words: Sequence[str] | None = None) -> int:
    """Do what the words ask for; 0 if it could be done, 1 with a sentence if not."""
    given = _parser().parse_args(words)
    console = Console(stderr=True, quiet=given.quiet)
    try:
        load_plugins(given.plugin)
        with TemporaryDirectory() as folder:
            stop = CancelToken(Path(folder) / "stop")
            _interrupting(stop)
            given.job(given, stop, console)
    except (UserError, FileNotFoundError, FloatingPointError, torch.OutOfMemoryError) as error:
        sentence = str(error) if isinstance(error, FileNotFoundError) else explain(error)
        Console(stderr=True).print(f"[red]{sentence}[/red]", highlight=False, soft_wrap=True)
        return 1
    return 0


def _steer(given: argparse.Namespace, stop: CancelToken, console: Console) -> None:
    model = _model(given)
    values = _values(given) | face_crops(given.find_face, model, given.image, given.second)
    request = Request.checked(values, existing(given.image), given.second, model.size)
    check_photo(given.in_photo, given.image, request.settings)
    outcome = watch(steer(model, request, stop), console)
    if not isinstance(outcome, Outcome):
        raise UserError("Stopped before the first step, so there is nothing to keep.")
    show_outcome(outcome, console)
    name = f"{given.image.stem}-{request.settings.loss.replace('_', '-')}-{request.settings.seed}.png"
    _write(given, name, outcome.after, record(outcome, model))
    write_photo(given.in_photo, given.image, outcome, model, marked=given.mark)


def _morph(given: argparse.Namespace, stop: CancelToken, console: Console) -> None:
    model = _model(given)
    crops = face_crops(given.find_face, model, given.first, given.second)
    values = {**suited("morph"), **_values(given), "loss": "morph", **crops}
    request = Request.checked(values, existing(given.first), existing(given.second), model.size)
    done = watch(morph(model, request, stop), console)
    if not isinstance(done, Morphed):
        raise UserError("Stopped before there was a morph, so there is nothing to keep.")
    show_morph(done, console)
    name = f"{given.first.stem}-{given.second.stem}-{request.settings.seed}.png"
    _write(given, name, done.outcome.after, morph_record(done, model))


def _compare(given: argparse.Namespace, stop: CancelToken, console: Console) -> None:
    model = _model(given)
    values = _values(given) | face_crops(given.find_face, model, given.image, given.second)
    request = Request.checked(values, existing(given.image), given.second, model.size)
    state = watch(compare(model, request, given.methods, stop), console)
    if state is not None:
        show_comparison(state, Console())


def _settings(given: argparse.Namespace, stop: CancelToken, console: Console) -> None:
    show_settings(Console())


def _model(given: argparse.Namespace) -> Model:
    """The embedded one, or the one that --model names."""
    return chosen(given, given.device)


def _values(given: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for. Half of the cores do the work: at batch 1 more of them gain nothing."""
    torch.set_num_threads(given.threads or max(1, (os.cpu_count() or 2) // 2))
    values = collected(given.preset, given.settings, given.set)
    text = getattr(given, "text", None)
    values = values if text is None else {**values, "prompt": text}
    loss = str(values.get("loss"))
    return {**(suited(loss) if loss in GOALS else {}), **values}


def _interrupting(stop: CancelToken) -> None:
    """Ctrl-C sets the flag; a second Ctrl-C ends the program."""

    def interrupted(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.set()

    signal.signal(signal.SIGINT, interrupted)


def _write(given: argparse.Namespace, name: str, image: Image.Image, written: dict[str, Any]) -> None:
    """The PNG with its record inside, and the record beside it; their names go to standard output."""
    path: Path = given.out or Path(name)
    sidecar = path.with_suffix(".json")
    path.write_bytes(to_png(mark(image) if given.mark else image, written))
    sidecar.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    print(path, sidecar, sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studio.cli", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quiet", action="store_true", help="no bar and no tables")
    jobs = parser.add_subparsers(required=True, metavar="JOB")
    made = {name: jobs.add_parser(name, help=help_) for name, help_ in _JOBS.items()}
    made["settings"].set_defaults(job=_settings)
    for name, job in (("steer", _steer), ("compare", _compare)):
        made[name].add_argument("image", type=Path, help="picture to change")
        made[name].add_argument("--text", help="what to see: short for --set prompt=TEXT")
        made[name].add_argument("--second", type=Path, help="picture or face to move towards, where the loss needs one")
        made[name].set_defaults(job=job)
    made["compare"].add_argument("--methods", nargs="+", choices=list(GRADIENTS), default=list(GRADIENTS))
    made["morph"].add_argument("first", type=Path, help="one face")
    made["morph"].add_argument("second", type=Path, help="the other face")
    made["morph"].set_defaults(job=_morph)
    for one in made.values():
        add_plugin_flag(one)
    for name in ("steer", "morph", "compare"):
        made[name].add_argument("--preset", help=f"one of {', '.join(PRESETS)}")
        made[name].add_argument("--settings", type=Path, metavar="FILE", help="settings from a JSON or a saved PNG")
        made[name].add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a single setting")
        made[name].add_argument("--threads", type=int, help="CPU threads; half of the cores by default")
        add_face_flag(made[name])
        add_flags(made[name])
        made[name].add_argument("--device", help="of another model, as cpu or cuda; a GPU if there is one by default")
    add_photo_flag(made["steer"])
    for name in ("steer", "morph"):
        made[name].add_argument("--out", type=Path, metavar="PNG", help="where to write the picture")
        made[name].add_argument("--mark", action="store_true", help=f"draw the label “{LABEL}” into its corner")
    return parser


_JOBS = {
    "steer": "change a picture towards a goal",
    "morph": "one face of two",
    "compare": "one job by several gradient methods",
    "settings": "list every setting",
}
