"""The embedded world as the demo meets it: trained networks, loaded from disk, no network and no renderer."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler

from clay.networks.attribute_reader import AttributeReader
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import load_clip
from clay.networks.heads import AttributeHeads
from clay.networks.identity import IdentityEmbedder

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "clay"
_PARTS = ("diffusion", "clip", "identity", "judge", "jury", "attributes", "heads")


@dataclass(frozen=True)
class ClayWorld:
    """The networks of the embedded world, frozen and in eval mode; all but the autoencoder load at first use.

    Args:
        folder: where the weights lie.
        device, dtype: where the networks live and in what precision.
        autoencoder: image -> z, and eps(t, x_t, z).
    """

    folder: Path
    device: str | torch.device
    dtype: torch.dtype
    autoencoder: DiffusionAutoencoder

    @property
    def scheduler(self) -> DPMSolverMultistepScheduler:
        """The noise schedule the autoencoder was trained with."""
        return self.autoencoder.scheduler

    @cached_property
    def _clip(self) -> tuple[Any, Any]:
        return load_clip(self.folder / "clip", self.device, self.dtype)

    @property
    def clip(self) -> Any:
        """The open_clip model; `clay.networks.clip.prepare` makes its pictures."""
        return self._clip[0]

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer: list of texts -> (b, 40) int64."""
        return self._clip[1]

    @cached_property
    def identity(self) -> IdentityEmbedder:
        """The embedder for identity losses."""
        return IdentityEmbedder.from_folder(self.folder / "identity", self.device, self.dtype)

    @cached_property
    def judge(self) -> IdentityEmbedder:
        """Another embedder, of another kind: for measuring only, never for a loss."""
        return IdentityEmbedder.from_folder(self.folder / "judge", self.device, self.dtype)

    @cached_property
    def jury(self) -> IdentityEmbedder:
        """A third embedder, of a third kind: for measuring only, never for a loss."""
        return IdentityEmbedder.from_folder(self.folder / "jury", self.device, self.dtype)

    @property
    def embedders(self) -> dict[str, IdentityEmbedder]:
        """All three by name; the first is the one that losses look through."""
        return {"identity": self.identity, "judge": self.judge, "jury": self.jury}

    @cached_property
    def attributes(self) -> AttributeReader:
        """The reader of attributes: for measuring only, never for a loss."""
        return AttributeReader.from_folder(self.folder / "attributes", self.device, self.dtype)

    @cached_property
    def heads(self) -> AttributeHeads:
        """Linear classifiers of attributes on the code z, for losses."""
        return AttributeHeads.from_folder(self.folder / "heads", self.device, self.dtype)


def load_world(
    folder: str | Path | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> ClayWorld:
    """Load the embedded world.

    Args:
        folder: the weights; by default those that come with this repository.
        device: "cpu", "cuda", ...
        dtype: torch.float32, or torch.float64 for exact checks.

    Raises:
        FileNotFoundError: if a part is missing, naming it.
    """
    folder = DEFAULT_FOLDER if folder is None else Path(folder)
    missing = [name for name in _PARTS if not (folder / name).is_dir()]
    if missing:
        raise FileNotFoundError(f"The embedded world in {folder} is incomplete: {', '.join(missing)} is missing.")
    return ClayWorld(folder, device, dtype, DiffusionAutoencoder.from_folder(folder / "diffusion", device, dtype))
