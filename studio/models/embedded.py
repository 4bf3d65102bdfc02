"""The embedded clay world as a `Model`, which runs on any machine, without network or GPU."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from clay.people.prompts import PROMPTS
from clay.world import ClayWorld, load_world
from losses import LinearHead
from studio.core.checksums import combined_checksum, listed_checksums, verify
from studio.models.domain import reconstruction
from studio.models.interface import Model, Origin
from studio.models.registry import ENTRIES

ASSETS = Path(__file__).resolve().parents[2] / "assets"
WEIGHTS = ASSETS / "clay"
_NOTE = (
    "The embedded model is small and was trained on rendered clay faces only: "
    "the inversion of a photo is lossless, but steering it works poorly."
)


def embedded(device: str | torch.device = "cpu") -> Model:
    """Load all networks of the clay world at once.

    Raises:
        BrokenWeights: a FileNotFoundError; the message names the weights that are missing or damaged.
    """
    verify(WEIGHTS)
    return model_of_world(load_world(WEIGHTS, device=device))


def model_of_world(world: ClayWorld) -> Model:
    """A loaded clay world as a `Model`."""
    return Model(
        name="clay faces, 64 px",
        digest=combined_checksum(listed_checksums(world.folder)),
        size=world.autoencoder.sample_shape[-1],
        network=world.autoencoder,
        encode=world.autoencoder.encode,
        # set_timesteps changes a scheduler, and two visitors may use different grids
        scheduler=lambda: copy.deepcopy(world.scheduler),
        clip=world.clip,
        tokenizer=world.tokenizer,
        identity=world.identity,
        device=torch.device(world.device),
        graphs=8,  # 22 MiB each
        prepare=world.autoencoder.prepare,
        groups=PROMPTS,
        heads={name: LinearHead(*head) for name, head in world.heads.linear().items()},
        reconstruct=reconstruction(world.autoencoder),
        held_out=world.held_out,
        origin=Origin(ENTRIES["embedded"].licence, ENTRIES["embedded"].z, note=_NOTE),
    )


def examples() -> list[Path]:
    """Example images; the first is one that the page's initial prompt changes visibly."""
    paths = sorted((ASSETS / "examples").glob("*.png"))
    return sorted(paths, key=lambda path: "6-glasses" not in path.name)


def morph_examples() -> list[Path]:
    """Two faces that face networks find similar, for a morph."""
    return sorted((ASSETS / "examples" / "pair").glob("*.png"))
