"""The studio's runs on the command line.

    python -m studio.cli steer IMAGE --text "a face with red hair"       steer an image towards a goal
    python -m studio.cli morph FIRST SECOND                              morph two faces into one
    python -m studio.cli compare IMAGE --text "a face with a hat"        compare gradient methods
    python -m studio.cli batch FOLDER --text "a face with a hat" --out DIR   steer many pictures
    python -m studio.cli export RUN.png --html run.html                  a player of a saved run in one file
    python -m studio.cli report DIR                                      a page of a batch's results
    python -m studio.cli likeness PHOTO --out FACE.png                   clay face of a person in a photograph
    python -m studio.cli settings                                        list settings, defaults and ranges
    python -m studio.cli presets                                         list presets and runs of the paper

Settings come from --preset, then from --settings FILE (a JSON, or a PNG that the studio saved), then from every --set
NAME=VALUE; later values override earlier ones. The result is a PNG that contains its record, and the record as JSON
beside it. Ctrl-C stops a run early and keeps its best image. --model selects another model than the embedded one. For a
photograph, --find-face crops to the largest face, and --in-photo writes the photograph with the result in it. --plugin
adds goals (docs/goals.md).
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
from rich.console import Console

from studio.batch.report import write_report
from studio.cli.batch import add_batch, run_batch
from studio.cli.likeness import add_likeness_flags, write_likeness
from studio.cli.photo import add_face_flag, add_photo_flag, check_photo, face_crops, write_photo
from studio.cli.settings import collected, existing, methods_of
from studio.cli.show import show_comparison, show_morph, show_outcome, show_presets, show_settings, watch
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.gradients import GRADIENTS, compared_methods
from studio.core.paper import PAPER
from studio.core.plugins import add_plugin_flag, load_plugins
from studio.core.presets import PRESETS
from studio.export.frames import to_tiles
from studio.export.html import player
from studio.export.metadata import record, to_png
from studio.export.morph import morph_record
from studio.export.saved_run import FRAMES, read_run
from studio.images.label import LABEL, draw_label
from studio.models.cli import add_flags, selected_model
from studio.runs.compare import compare
from studio.runs.events import Outcome
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request
from studio.runs.steer import steer


def main(argv: Sequence[str] | None = None) -> int:
    """Run one job and return the exit status: 0, or 1 after an error message."""
    args = _parser().parse_args(argv)
    console = Console(stderr=True, quiet=args.quiet)
    try:
        load_plugins(args.plugin)
        with TemporaryDirectory() as folder:
            cancel = CancelToken(Path(folder) / "stop")
            _cancel_on_interrupt(cancel)
            args.job(args, cancel, console)
    except (UserError, FileNotFoundError, FloatingPointError, torch.OutOfMemoryError) as error:
        message = str(error) if isinstance(error, FileNotFoundError) else explain(error)
        Console(stderr=True).print(f"[red]{message}[/red]", highlight=False, soft_wrap=True)
        return 1
    return 0


def _steer(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    model = selected_model(args, args.device)
    values = _values(args) | face_crops(args.find_face, model, args.image, args.second)
    request = Request.checked(values, existing(args.image), args.second, model.size)
    check_photo(args.in_photo, args.image, request.settings)
    outcome = watch(steer(model, request, cancel), console)
    if not isinstance(outcome, Outcome):
        raise UserError("The run was stopped before its first step, so there is no result to save.")
    show_outcome(outcome, console)
    name = f"{args.image.stem}-{request.settings.loss.replace('_', '-')}-{request.settings.seed}.png"
    _write(args, name, outcome, record(outcome, model))
    write_photo(args.in_photo, args.image, outcome, model, marked=args.mark)


def _morph(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    model = selected_model(args, args.device)
    crops = face_crops(args.find_face, model, args.first, args.second)
    values = {**_values(args), "loss": "morph", **crops}
    request = Request.checked(values, existing(args.first), existing(args.second), model.size)
    result = watch(morph(model, request, cancel), console)
    if not isinstance(result, Morphed):
        raise UserError("The run was stopped before its first morph, so there is no result to save.")
    show_morph(result, console)
    name = f"{args.first.stem}-{args.second.stem}-{request.settings.seed}.png"
    _write(args, name, result.outcome, morph_record(result, model))


def _compare(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    model = selected_model(args, args.device)
    values = _values(args) | face_crops(args.find_face, model, args.image, args.second)
    request = Request.checked(values, existing(args.image), args.second, model.size)
    methods = args.methods or methods_of(args.preset) or compared_methods()
    state = watch(compare(model, request, methods, cancel), console)
    if state is not None:
        show_comparison(state, Console())


def _likeness(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    for note in write_likeness(args).notes:
        console.print(note, highlight=False)


def _batch(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    run_batch(args, _values(args), cancel, console)


def _export(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    args.html.write_bytes(player(read_run(args.run)))
    print(args.html)


def _report(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    print(write_report(args.folder))


def _settings(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    show_settings(Console())


def _presets(args: argparse.Namespace, cancel: CancelToken, console: Console) -> None:
    show_presets(Console())


def _values(args: argparse.Namespace) -> dict[str, Any]:
    """Set the number of CPU threads, and return the settings of the command line, not yet checked.

    By default half of the cores: at batch 1 more threads save no time.
    """
    torch.set_num_threads(args.threads or max(1, (os.cpu_count() or 2) // 2))
    values = collected(args.preset, args.settings, args.set, args.command)
    text = getattr(args, "text", None)
    return values if text is None else {**values, "prompt": text}


def _cancel_on_interrupt(cancel: CancelToken) -> None:
    """Ctrl-C cancels the run; a second Ctrl-C ends the program."""

    def interrupted(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cancel.set()

    signal.signal(signal.SIGINT, interrupted)


def _write(args: argparse.Namespace, name: str, outcome: Outcome, metadata: dict[str, Any]) -> None:
    """Write the PNG with its record inside, and beside it the record and the pictures of all steps; print the names."""
    path: Path = args.out or Path(name)
    sidecar, frames, image = path.with_suffix(".json"), path.with_suffix(FRAMES), outcome.after
    frames.write_bytes(to_tiles(outcome.frames))
    path.write_bytes(to_png(draw_label(image) if args.mark else image, metadata))
    sidecar.write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")
    print(path, sidecar, frames, sep="\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studio.cli", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress bar and no tables")
    image, run, output = _image_flags(), _run_flags(), _output_flags()
    jobs = parser.add_subparsers(required=True, metavar="JOB", dest="command")
    steer_job = jobs.add_parser("steer", parents=[image, run, output], help="steer an image towards a goal")
    add_photo_flag(steer_job)
    steer_job.set_defaults(job=_steer)
    morph_job = jobs.add_parser("morph", parents=[run, output], help="morph two faces into one")
    morph_job.add_argument("first", type=Path, help="first face")
    morph_job.add_argument("second", type=Path, help="second face")
    morph_job.set_defaults(job=_morph)
    compare_job = jobs.add_parser("compare", parents=[image, run], help="compare gradient methods on one run")
    compare_job.add_argument("--methods", nargs="+", choices=list(GRADIENTS))
    compare_job.set_defaults(job=_compare)
    batch_job = add_batch(jobs, run)
    batch_job.set_defaults(job=_batch)
    export_job = jobs.add_parser("export", help="a saved run as one HTML file with a player")
    export_job.add_argument("run", type=Path, help="a PNG of this command line, or a zip of all frames or its folder")
    export_job.add_argument("--html", type=Path, required=True, metavar="FILE", help="output file")
    export_job.set_defaults(job=_export)
    report_job = jobs.add_parser("report", help="a page with all results of a batch")
    report_job.add_argument("folder", type=Path, help="output folder of a batch")
    report_job.set_defaults(job=_report)
    likeness_job = jobs.add_parser("likeness", help="make a clay face, a caricature, of a person in a photograph")
    add_likeness_flags(likeness_job)
    likeness_job.set_defaults(job=_likeness)
    settings_job = jobs.add_parser("settings", help="list every setting")
    settings_job.set_defaults(job=_settings)
    presets_job = jobs.add_parser("presets", help="list the presets and the runs of the paper")
    presets_job.set_defaults(job=_presets)
    for job in jobs.choices.values():
        add_plugin_flag(job)
    return parser


def _image_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("image", type=Path, help="image to change")
    flags.add_argument("--text", "--prompt", help="prompt: short for --set prompt=TEXT")
    flags.add_argument("--second", type=Path, help="target image, for losses that need one")
    return flags


def _run_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--preset", help=f"one of {', '.join([*PRESETS, *PAPER])}")
    flags.add_argument("--settings", type=Path, metavar="FILE", help="settings from a JSON or a saved PNG")
    flags.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one setting")
    flags.add_argument("--threads", type=int, help="CPU threads; half of the cores by default")
    add_face_flag(flags)
    add_flags(flags)
    flags.add_argument("--device", help="device of another model: cpu, cuda or mps; the fastest by default")
    return flags


def _output_flags() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument("--out", type=Path, metavar="PNG", help="output file")
    flags.add_argument("--mark", action="store_true", help=f"draw the label “{LABEL}” into the image's corner")
    return flags
