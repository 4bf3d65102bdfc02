"""The embedded clay world as a `Model`: what runs on any machine, without network or GPU."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from clay.world import ClayWorld, load_world
from studio.core.checksums import combined, listed, verify
from studio.models.interface import Model, Origin
from studio.models.registry import ENTRIES

ASSETS = Path(__file__).resolve().parents[2] / "assets"
WEIGHTS = ASSETS / "clay"
_NOTE = """The embedded model is small and was trained on rendered clay faces only. It reconstructs a photo exactly, but
steers it poorly."""


def embedded(device: str | torch.device = "cpu") -> Model:
    """Load every network of the clay world, so that no visitor waits for one.

    Raises:
        BrokenWeights: a FileNotFoundError; weights are missing or damaged, in one sentence that says which.
    """
    verify(WEIGHTS)
    return of_world(load_world(WEIGHTS, device=device))


def of_world(world: ClayWorld) -> Model:
    """The studio's model of a clay world that is loaded already."""
    return Model(
        name="clay faces, 64 px",
        digest=combined(listed(world.folder)),
        size=world.autoencoder.sample_shape[-1],
        network=world.autoencoder,
        encode=world.autoencoder.encode,
        # set_timesteps writes into a scheduler, and two visitors may want different grids
        scheduler=lambda: copy.deepcopy(world.scheduler),
        clip=world.clip,
        tokenizer=world.tokenizer,
        identity=world.identity,
        device=torch.device(world.device),
        graphs=8,  # 22 MiB each
        prepare=world.autoencoder.prepare,
        held_out={"judge": world.judge, "jury": world.jury},
        origin=Origin(ENTRIES["embedded"].licence, ENTRIES["embedded"].z, note=_NOTE),
    )


def examples() -> list[Path]:
    """Pictures to start from; the first is one that the prompt on the opened page changes visibly."""
    found = sorted((ASSETS / "examples").glob("*.png"))
    return sorted(found, key=lambda path: "6-glasses" not in path.name)


def pair() -> list[Path]:
    """Two faces that look alike to face networks, for a morph."""
    return sorted((ASSETS / "examples" / "pair").glob("*.png"))
