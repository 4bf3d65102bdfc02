"""Command-line flags that choose a model, and the model they choose."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from studio.core.errors import UserError
from studio.models.embedded import embedded
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.models.placement.placement import best_device
from studio.models.registry import ENTRIES

_OF_OTHERS = ("start_prompt", "negative", "guidance", "label", "clip", "faces", "judge", "preview", "compile")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """--model and what goes with it."""
    flags = parser.add_argument_group("another model")
    flags.add_argument(
        "--model",
        default="embedded",
        metavar="NAME",
        help=f"{', '.join(ENTRIES)}; or a folder of diffusers or a hub id (python -m studio.models check lists them)",
    )
    flags.add_argument("--offline", action="store_true", help="use files that are here, and ask no network for more")
    flags.add_argument("--start-prompt", metavar="TEXT", help="where the steering starts, for models of text")
    flags.add_argument("--negative", default="", metavar="TEXT", help="what guidance leads away from")
    flags.add_argument("--guidance", type=float, metavar="SCALE", help="of classifier-free guidance; 1 for none")
    flags.add_argument(
        "--label", type=int, default=0, metavar="NUMBER", help="class to start at, where there are classes"
    )
    flags.add_argument("--clip", default="", metavar="NAME", help="architecture/weights of open_clip, or a folder")
    flags.add_argument("--faces", type=Path, metavar="PATH", help="another face network: a folder, or an ONNX file")
    flags.add_argument(
        "--judge",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a face network for measuring only, as for --faces; may be given several times",
    )
    flags.add_argument("--preview", type=Path, metavar="FOLDER", help="of an AutoencoderTiny for quick looks")
    flags.add_argument("--compile", nargs="?", const="inductor", metavar="BACKEND", help="compile the denoiser")


def chosen(given: argparse.Namespace, device: str | None, public: bool = False) -> Model:
    """The model of these flags.

    Args:
        given: parsed flags; with --present among them, no network is asked for anything.
        device: where it goes; None for the CPU with the embedded model, and the fastest there is with others.
        public: strangers are served: no models of one's own.

    Raises:
        UserError: one sentence that says what is wrong and what to do.
    """
    if given.model == "embedded":
        if unused := [name for name in _OF_OTHERS if getattr(given, name)]:
            said = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
            raise UserError(f"The embedded model has nothing to do with {said}: leave that out, or choose a --model.")
        return embedded(device or "cpu")
    from studio.models.load import LoadOptions, load  # every kind of network comes along, which takes seconds

    options = LoadOptions(
        prompt=given.start_prompt,
        negative=given.negative,
        guidance=given.guidance,
        label=given.label,
        clip=given.clip,
        faces=given.faces,
        held_out=tuple(given.judge),
        tiny=given.preview,
        compiled=given.compile,
    )

    offline = given.offline or getattr(given, "present", False)

    def fetch(name: str) -> Model:
        return load(name, device=torch.device(device or best_device()), options=options, offline=offline, public=public)

    return Holder(fetch).get(given.model)
