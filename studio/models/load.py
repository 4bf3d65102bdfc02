"""`load`: a name or a folder -> `studio.models.interface.Model`, ready behind the same page as the embedded one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adjointdeis import ClassifierFreeGuidance, Denoiser, HalfPrecision
from studio.core.checksums import fingerprint
from studio.models.adapters.labelled import Labelled
from studio.models.build import autoencoder, denoiser, scheduler_of
from studio.models.completeness import check_complete
from studio.models.detect import entry_of, recognise
from studio.models.embedded import embedded
from studio.models.hub import commit_of, find
from studio.models.interface import Model, Origin
from studio.models.losses import LossNetworks, load_loss_networks
from studio.models.placement.placement import Placement, best_device
from studio.models.placement.planner import plan
from studio.models.prompts import prompt_codes
from studio.models.registry import Entry


@dataclass(frozen=True)
class LoadOptions:
    """What a person may choose about a model.

    Args:
        prompt: where z starts, for models steered by text; the entry's own if None.
        negative: what guidance leads away from.
        guidance: scale of classifier-free guidance; the entry's own if None, 1 for none.
        label: class at which z starts, for models of classes.
        clip: "name/pretrained" of open_clip, or a folder; the device's default if empty.
        faces: folder or ONNX file of a face network.
        judges: the same, of networks for measuring only.
        tiny: folder of an AutoencoderTiny for quick looks.
        compiled: backend of torch.compile; None for none.
    """

    prompt: str | None = None
    negative: str = ""
    guidance: float | None = None
    label: int = 0
    clip: str = ""
    faces: Path | None = None
    held_out: tuple[Path, ...] = ()
    tiny: Path | None = None
    compiled: str | None = None


def load(
    name: str,
    *,
    device: torch.device | None = None,
    placement: Placement | None = None,
    options: LoadOptions = LoadOptions(),
    held_out: LossNetworks | None = None,
    offline: bool = False,
    public: bool = False,
) -> Model:
    """The model.

    Args:
        name: of the registry, or a folder or hub id of one's own.
        device: a GPU if there is one, by default.
        placement: how to hold it; what fits by default.
        options: prompt, guidance and the like.
        held_out: networks for the losses, if they are loaded already.
        offline: look at files that are here, and nowhere else.
        public: strangers are served: models of one's own are refused.

    Raises:
        UserError: one sentence that says what is wrong and what to do.
    """
    entry = entry_of(name, public)
    if entry.kind == "embedded":
        return embedded(device or "cpu")
    folder = find(entry, offline)
    if entry.size == 0:  # a hub id of one's own: what it is shows in its files
        entry = replace(recognise(folder, entry.title), repo=entry.repo)
    check_complete(entry, folder)
    device = device or (placement.device if placement else best_device())
    codes = _prompts(entry, folder, options, device)  # first, because the text encoder leaves again
    held = placement or plan(entry, folder, device)
    held = replace(held, compiled=options.compiled or held.compiled)
    adapted, space = denoiser(entry, folder, held), autoencoder(entry, folder, held, options.tiny)
    network: Denoiser = HalfPrecision(adapted, held.dtype, autocast=False) if held.half else adapted
    codes = codes or _labels(adapted, options)
    scale = entry.guidance if options.guidance is None else options.guidance
    if len(codes) == 2 and scale != 1:
        network = ClassifierFreeGuidance(network, scale, codes[1].to(device), batched=held.together)
    seen = held_out or load_loss_networks(device, options.clip, options.faces, offline, options.held_out)
    return Model(
        name=entry.title,
        digest=fingerprint(folder),
        size=entry.size,
        network=network,
        encode=_encode(entry, adapted, codes),
        scheduler=scheduler_of(entry, folder),
        clip=seen.clip,
        tokenizer=seen.tokenizer,
        identity=seen.identity,
        device=device,
        latent=None if space is None else _latent_shape(entry, space.factor, adapted),
        encode_image=None if space is None else space.encode,
        decode=None if space is None else space.decode,
        preview=None if space is None or space.tiny is None else space.preview,
        origin=_origin(entry, folder),
        missing=seen.missing,
        held_out=seen.measuring,
    )


def _origin(entry: Entry, folder: Path) -> Origin:
    """Of a folder of one's own neither its path nor where it was copied from is told."""
    commit = commit_of(folder)
    return Origin(entry.licence, entry.z, entry.repo if commit else "", commit)


def _prompts(entry: Entry, folder: Path, options: LoadOptions, device: torch.device) -> list[Tensor]:
    """z of the start, and what guidance leads away from; nothing for models that no text steers."""
    if entry.kind not in ("prompted", "flow"):
        return []
    prompt = entry.prompt if options.prompt is None else options.prompt
    return prompt_codes(folder, (prompt, options.negative), device)


def _labels(adapted: Any, options: LoadOptions) -> list[Tensor]:
    """The same for models of classes, as far as they were trained with a row for none."""
    if not isinstance(adapted, Labelled):
        return []
    return [adapted.code(label) for label in (options.label, *((-1,) if adapted.knows_none else ()))]


def _encode(entry: Entry, adapted: Any, codes: list[Tensor]) -> Callable[[Tensor], Tensor | None]:
    if entry.kind == "diffae":
        return lambda image: adapted.encode(image.to(adapted.dtype)).to(image.dtype)
    if codes:
        return lambda image: codes[0].to(image).expand(len(image), *codes[0].shape[1:]).clone()
    return lambda image: None


def _latent_shape(entry: Entry, factor: int, adapted: Any) -> tuple[int, int, int]:
    network = getattr(adapted, "unet", None) or getattr(adapted, "network", None) or adapted.transformer
    side = entry.size // factor
    return int(network.config.in_channels), side, side
