"""The embedded clay world as a `Model`, which runs on any machine, without network or GPU."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from clay.networks.enlarger import Enlarger
from clay.networks.part_segmenter import PartSegmenter
from clay.people.attributes import ATTRIBUTES, hidden_by, implied_by
from clay.people.parts import PARTS, PARTS_OF_ATTRIBUTES
from clay.people.prompts import PROMPTS, UNSEEN
from clay.people.texts import unknown_words
from clay.world import ENLARGER_FOLDER, FOLDER_128, PARTS_FOLDER, ClayWorld, load_world_of
from losses import LinearHead
from studio.core.checksums import combined_checksum, listed_checksums, verify
from studio.images.domain import decoder_of
from studio.models.catalogue.registry import ENTRIES
from studio.models.interface import Model, Origin

ASSETS = Path(__file__).resolve().parents[2] / "assets"
WEIGHTS = ASSETS / "clay"
_NOTE = (
    "The embedded model is small and was trained on rendered clay faces only: "
    "the inversion of a photo is lossless, but a goal colours the whole photo instead of editing the face. "
    "Make a clay likeness of it first."
)
_ENLARGED = "Its pictures have 128 pixels; a small network enlarges them for display."


def embedded(device: str | torch.device = "cpu", size: int = 64) -> Model:
    """Load all networks of the clay world at once.

    Args:
        device: of the networks.
        size: of the images in pixels: 64, or 128, which has an autoencoder and heads of its own.

    Raises:
        BrokenWeights: a FileNotFoundError; the message names the weights that are missing or damaged.
    """
    verify(WEIGHTS)
    verify(PARTS_FOLDER)
    if size == 128:
        verify(FOLDER_128)
        verify(ENLARGER_FOLDER)
    world = load_world_of(size, device)
    # faster convolutions, on CPUs too; `python -m benchmarks.memory_format` measures it
    world.autoencoder.to(memory_format=torch.channels_last)
    return model_of_world(world)


def model_of_world(world: ClayWorld) -> Model:
    """A loaded clay world as a `Model`."""
    size, checksums = world.autoencoder.sample_shape[-1], dict(listed_checksums(world.folder))
    enlarger = Enlarger.from_folder(ENLARGER_FOLDER) if size == 128 else None
    note = f"{_NOTE} {_ENLARGED}" if enlarger else _NOTE
    if world.shared != world.folder:
        checksums = {**listed_checksums(world.shared), **checksums}
    return Model(
        name=f"clay faces, {size} px",
        digest=combined_checksum(checksums),
        size=size,
        network=world.autoencoder,
        encode=world.autoencoder.encode,
        # set_timesteps changes a scheduler, and two visitors may use different grids
        scheduler=lambda: copy.deepcopy(world.scheduler),
        clip=world.clip,
        tokenizer=world.tokenizer,
        unknown_words=unknown_words,
        identity=world.identity,
        device=torch.device(world.device),
        graphs=8,  # 22 MiB each
        prepare=world.autoencoder.prepare,
        groups=PROMPTS,
        classes=ATTRIBUTES,
        hidden_by=hidden_by,
        implied_by=implied_by,
        unseen=UNSEEN,
        person_groups=("hair_colour", "hair_style", "facial_hair", "skin_tone", "eye_colour"),
        code_person=LinearHead(world.heads.person.weight, world.heads.person.bias),
        reader=world.reader.probabilities,
        heads={name: LinearHead(*head) for name, head in world.heads.linear().items()},
        decode_code=decoder_of(world.autoencoder),
        code_root=world.heads.root,
        code_denoiser=world.code_denoiser,
        held_out=world.held_out,
        parts_of_attributes=PARTS_OF_ATTRIBUTES,
        parts=PartSegmenter.from_folder(PARTS_FOLDER, world.device, world.dtype).probabilities,
        part_names=PARTS,
        enlarge=enlarger,
        fewest_steps=2,
        origin=Origin(ENTRIES["embedded"].licence, ENTRIES["embedded"].z, note=note, card=world.folder.name),
    )


def examples() -> list[Path]:
    """Example images; the first is one that the page's initial prompt changes visibly."""
    paths = sorted((ASSETS / "examples").glob("*.png"))
    return sorted(paths, key=lambda path: "6-glasses" not in path.name)


def morph_examples() -> list[Path]:
    """Two faces that face networks find similar, for a morph."""
    return sorted((ASSETS / "examples" / "pair").glob("*.png"))
