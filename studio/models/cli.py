"""Command-line flags that select a model and its options.

argparse, not pydantic-settings, here and in the other command lines: with it an option's value could not be left out
(--find-face), values would be split at commas (--set, --held-out), a prompt could not be "None", variables
such as PORT or MODEL would be read, and a wrong value would end in a traceback.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch

from studio.core.errors import UserError, log
from studio.models.catalogue.detect import find_entry
from studio.models.catalogue.registry import DEFAULT, ENTRIES
from studio.models.embedded import embedded
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.models.options import LoadOptions
from studio.models.placement.compiled import compile_denoiser, compiled_copy, may_be_copied
from studio.models.placement.placement import best_device, use_tensor_cores

EMBEDDED = (DEFAULT, "embedded")
"""The models that ship with the studio and need no network; the first one is loaded."""
_NOT_EMBEDDED = (
    "start_prompt",
    "negative",
    "guidance",
    "label",
    "clip",
    "faces",
    "held_out",
    "held_out_clip",
    "preview",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add --model and the flags that go with it."""
    flags = parser.add_argument_group("another model")
    flags.add_argument(
        "--model",
        metavar="NAME",
        help=f"{', '.join(ENTRIES)} (the first by default); or a folder of diffusers or a hub id "
        "(see python -m studio.models check)",
    )
    flags.add_argument(
        "--models",
        default="",
        metavar="A,B,C",
        help="models between which visitors may switch; the first is loaded, or that of --model; "
        f"{','.join(EMBEDDED)} by default, but one model with --model or --public",
    )
    flags.add_argument("--offline", action="store_true", help="use local files only, no network")
    flags.add_argument("--start-prompt", metavar="TEXT", help="the prompt at which steering starts, for text models")
    flags.add_argument("--negative", default="", metavar="TEXT", help="negative prompt of the guidance")
    flags.add_argument("--guidance", type=float, metavar="SCALE", help="scale of classifier-free guidance; 1 for none")
    flags.add_argument(
        "--label", type=int, default=0, metavar="NUMBER", help="the class at which steering starts, for class models"
    )
    flags.add_argument("--clip", default="", metavar="NAME", help="architecture/weights of open_clip, or a folder")
    flags.add_argument("--faces", type=Path, metavar="PATH", help="another face network: a folder, or an ONNX file")
    flags.add_argument(
        "--held-out",
        "--judge",  # its name in earlier versions
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a held-out face network, for measuring only: a folder, or an ONNX file; may be given several times",
    )
    flags.add_argument(
        "--held-out-clip",
        default="",
        metavar="NAME",
        help="a CLIP for measuring only; if empty, from the cache",
    )
    flags.add_argument("--preview", type=Path, metavar="FOLDER", help="folder of an AutoencoderTiny for quick previews")
    flags.add_argument(
        "--precision",
        choices=["auto", "full"],
        default="auto",
        help="auto: pipelines in half precision on a GPU, others as they fit; full: float32",
    )
    flags.add_argument(
        "--compile",
        choices=["auto", "off"],
        default="off",
        help="auto compiles the denoiser, which takes minutes the first time: of the embedded model beside the first "
        "runs, of others before them",
    )


def selected_model(args: argparse.Namespace, device: str | None, public: bool = False) -> Model:
    """Load the model that the flags select; for the arguments and errors see `model_loader`."""
    return model_loader(args, device, public)(args.model or DEFAULT)


def default_names(public: bool = False) -> tuple[str, ...]:
    """The models that are offered by default: the embedded ones; in public one, as a switch is for all sessions."""
    return EMBEDDED[:1] if public else EMBEDDED


def embedded_models(device: str, public: bool = False) -> Holder:
    """The models of `default_names`, without any flags."""
    return Holder(lambda name: embedded(device, ENTRIES[name].size), default_names(public))


def offered_models(args: argparse.Namespace, device: str | None, public: bool = False) -> Holder:
    """The models of --models, or the one of --model; without both those of `default_names`. The arguments are those of
    `model_loader`.

    Raises:
        UserError: there is no model of such a name.
    """
    names = [name.strip() for name in args.models.split(",") if name.strip()]
    if not args.model and not names:
        names = list(default_names(public))
    names = list(dict.fromkeys([args.model or names[0], *names]))  # the first one is loaded
    for name in names:
        find_entry(name, public)
    later = args.compile == "auto"
    return Holder(model_loader(args, device, public, later), names, _compiled if later else None)


def _compiled(model: Model) -> Model | None:
    found = compiled_copy(model) if may_be_copied(model) else None
    if isinstance(found, str):
        _warn_of_eager(model.name, found)
        return None
    return found


def _warn_of_eager(name: str, reason: str) -> None:
    log.warning("“%s” is not compiled: %s. It runs without compilation, with the same results.", name, reason)


def model_loader(
    args: argparse.Namespace, device: str | None, public: bool = False, later: bool = False
) -> Callable[[str], Model]:
    """A function that loads a model by its name, with the options of the flags.

    Args:
        args: parsed flags; with --present among them models are loaded offline.
        device: where models run; if None, the CPU for the embedded model and the fastest device for others.
        public: refuse models outside the registry.
        later: leave those eager of which `compiled_copy` can make a compiled one later.

    Raises:
        UserError: (the function) the model cannot be loaded, or a flag does not apply to it.
    """

    def load_one(name: str) -> Model:
        if (entry := ENTRIES.get(name)) is not None and entry.kind == "embedded":
            model = _embedded(args, device, entry.size)
        else:
            from studio.models.loading.load import load  # imports every kind of network, which takes seconds

            where = torch.device(device or best_device())
            use_tensor_cores(where)
            offline = args.offline or getattr(args, "present", False)
            model = load(name, device=where, options=options_of(args), offline=offline, public=public)
        if args.compile == "auto" and not (later and may_be_copied(model)) and (reason := compile_denoiser(model)):
            _warn_of_eager(name, reason)
        return model

    return load_one


def _embedded(args: argparse.Namespace, device: str | None, size: int) -> Model:
    unused = [] if args.models else [name for name in _NOT_EMBEDDED if getattr(args, name)]
    if unused:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in unused)
        raise UserError(f"The embedded model does not take {flags}: leave that out, or select a --model.")
    use_tensor_cores(torch.device(device or "cpu"))
    return embedded(device or "cpu", size)


def options_of(args: argparse.Namespace) -> LoadOptions:
    """The options of the flags."""
    return LoadOptions(
        prompt=args.start_prompt,
        negative=args.negative,
        guidance=args.guidance,
        label=args.label,
        clip=args.clip,
        faces=args.faces,
        held_out=tuple(args.held_out),
        held_out_clip=args.held_out_clip,
        tiny=args.preview,
        full_precision=args.precision == "full",
    )
