"""`load`: a name, a folder or a hub id -> `studio.models.interface.Model`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adjointdeis import ClassifierFreeGuidance, Denoiser, HalfPrecision
from studio.core.checksums import fingerprint
from studio.core.errors import UserError, log
from studio.models.catalogue.completeness import check_complete
from studio.models.catalogue.detect import detect_entry, find_entry
from studio.models.catalogue.hub import commit_of, model_folder
from studio.models.catalogue.registry import Entry
from studio.models.embedded import embedded
from studio.models.face_parts import PARTS, face_parts
from studio.models.groups import GENERAL_GROUPS
from studio.models.interface import Model, Origin
from studio.models.loading.build import autoencoder, denoiser, scheduler_of, tiny_preview
from studio.models.loading.pipelines.load import load_pipeline
from studio.models.loading.pipelines.parts import Parts, pipeline_parts
from studio.models.losses import LossNetworks, load_loss_networks
from studio.models.memory import release_memory
from studio.models.networks.adapters.labelled import Labelled
from studio.models.options import LoadOptions
from studio.models.placement.placement import Placement, best_device
from studio.models.placement.planner import plan
from studio.models.zero_shot import ZeroShot


def load(
    name: str,
    *,
    device: torch.device | None = None,
    placement: Placement | None = None,
    options: LoadOptions | None = None,
    loss_networks: LossNetworks | None = None,
    offline: bool = False,
    public: bool = False,
) -> Model:
    """Load a model.

    Args:
        name: of the registry, a folder in diffusers' layout, or a hub id.
        device: a GPU, if there is one, by default.
        placement: device, precision and memory savings; the fastest that fits by default.
        options: prompt, guidance and others; the entry's if None.
        loss_networks: networks of the losses, if they are loaded already.
        offline: use local files only.
        public: refuse models outside the registry.

    Raises:
        UserError: the model cannot be loaded; the message has cause and cure.
    """
    options = options or LoadOptions()
    entry = find_entry(name, public)
    if entry.kind == "embedded":
        return embedded(device or "cpu", entry.size)
    folder = model_folder(entry, offline)
    if entry.size == 0:  # a hub id: its kind is detected from its files
        entry = replace(detect_entry(folder, entry.title), repo=entry.repo)
    check_complete(entry, folder)
    device = device or (placement.device if placement else best_device())
    placement = placement or (Placement(device) if options.full_precision else plan(entry, folder, device))
    parts = (_pipeline if entry.kind == "pipeline" else _networks)(entry, folder, placement, options)
    preview = tiny_preview(options.tiny or folder / "vae_tiny", device)
    losses = loss_networks or load_loss_networks(
        device, options.clip, options.faces, offline, options.held_out, options.held_out_clip
    )
    second = None if losses.second is None else ZeroShot(losses.second, GENERAL_GROUPS)
    return Model(
        **parts._asdict(),
        name=entry.title,
        digest=fingerprint(folder),
        size=entry.size,
        clip=losses.clip,
        tokenizer=losses.tokenizer,
        identity=losses.identity,
        device=device,
        preview=preview,
        steps=entry.steps,
        origin=_origin(entry, folder),
        missing=losses.missing,
        held_out=losses.held_out,
        reader=None if second is None else second.attributes,
        read_texts=None if second is None else second.texts,
        parts=None if losses.identity is None else face_parts(losses.identity),
        part_names=() if losses.identity is None else PARTS,
    )


def _origin(entry: Entry, folder: Path) -> Origin:
    """Licence, source and commit; a local folder gives neither its path nor a source."""
    commit = commit_of(folder)
    return Origin(entry.licence, entry.z, entry.repo if commit else "", commit)


def _pipeline(entry: Entry, folder: Path, placement: Placement, options: LoadOptions) -> Parts:
    """The parts of a pipeline; in full precision if half precision is refused, as where float16 overflows."""
    try:
        return pipeline_parts(load_pipeline(folder, placement.dtype), entry, options, placement)
    except UserError as error:
        if not placement.half:
            raise
        log.warning("“%s” is loaded in full precision: %s", entry.title, error)
    release_memory()
    return _pipeline(entry, folder, replace(placement, half=False), options)


def _networks(entry: Entry, folder: Path, placement: Placement, options: LoadOptions) -> Parts:
    """The parts of a model that has no pipeline with prompts."""
    adapted, vae = denoiser(entry, folder, placement), autoencoder(entry, folder, placement)
    network: Denoiser = HalfPrecision(adapted, placement.dtype, autocast=False) if placement.half else adapted
    codes = _class_embeddings(adapted, options)
    scale = entry.guidance if options.guidance is None else options.guidance
    if len(codes) == 2 and scale not in (None, 1):
        network = ClassifierFreeGuidance(network, scale, codes[1].to(placement.device), batched=placement.batched)
    encode, scheduler = _encode(entry, adapted, codes), scheduler_of(folder)
    if vae is None:
        return Parts(network, encode, scheduler)
    return Parts(network, encode, scheduler, _latent_shape(entry, vae.factor, adapted), vae.encode, vae.decode)


def _class_embeddings(adapted: Any, options: LoadOptions) -> list[Tensor]:
    """The initial z of a class-conditional model, and that of the null class, if the network was trained with one."""
    if not isinstance(adapted, Labelled):
        return []
    return [adapted.class_embedding(label) for label in (options.label, *((-1,) if adapted.has_null_class else ()))]


def _encode(entry: Entry, adapted: Any, codes: list[Tensor]) -> Callable[[Tensor], Tensor | None]:
    if entry.kind == "diffae":
        return lambda image: adapted.encode(image.to(adapted.dtype)).to(image.dtype)
    if codes:
        return lambda image: codes[0].to(image).expand(len(image), *codes[0].shape[1:]).clone()
    return lambda image: None


def _latent_shape(entry: Entry, factor: int, adapted: Any) -> tuple[int, int, int]:
    network = getattr(adapted, "unet", None) or adapted.network
    side = entry.size // factor
    return int(network.config.in_channels), side, side
