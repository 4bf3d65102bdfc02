"""`load_world` loads the trained networks of the embedded world from disk; it needs no network and no renderer."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler

from clay.networks.attribute_classifier import AttributeClassifier, AttributeReader
from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.clip import load_clip
from clay.networks.code_denoiser import CodeDenoiser
from clay.networks.heads import AttributeHeads
from clay.networks.identity import IdentityEmbedder

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "clay"
EMBEDDERS = ("identity", "convolutional", "transformer")
"""The identity embedders: the first is for losses, the others are held out."""
HELD_OUT = EMBEDDERS[1:]
_PARTS = ("diffusion", "clip", *EMBEDDERS, "attributes", "colours", "heads", "code_denoiser")
PARTS_FOLDER = DEFAULT_FOLDER.with_name("clay-parts")
"""The part segmenter; outside of the fingerprint of the weights, because no loss uses it."""
FOLDER_128 = DEFAULT_FOLDER.with_name("clay-128")
ENLARGER_FOLDER = DEFAULT_FOLDER.with_name("clay-enlarger")
"""The enlarger of pictures with 128 pixels; outside of the fingerprint too, because it serves display alone."""


@dataclass(frozen=True)
class ClayWorld:
    """The networks of the embedded world, frozen and in eval mode; all but the autoencoder are loaded at first use.

    Args:
        folder: folder of the weights.
        shared: folder of the parts that `folder` does not have.
        device: device of the networks.
        dtype: their precision.
        autoencoder: image -> z, and eps(t, x_t, z).
    """

    folder: Path
    shared: Path
    device: str | torch.device
    dtype: torch.dtype
    autoencoder: DiffusionAutoencoder

    @property
    def scheduler(self) -> DPMSolverMultistepScheduler:
        """The autoencoder's noise schedule."""
        return self.autoencoder.scheduler

    def _part(self, name: str) -> Path:
        return part_of(name, self.folder, self.shared)

    @cached_property
    def _clip(self) -> tuple[Any, Any]:
        return load_clip(self._part("clip"), self.device, self.dtype)

    @property
    def clip(self) -> Any:
        """The open_clip model; `clay.networks.clip.prepare` makes its input."""
        return self._clip[0]

    @property
    def tokenizer(self) -> Any:
        """open_clip's tokenizer, list of b texts -> (b, 40) int64."""
        return self._clip[1]

    @cached_property
    def identity(self) -> IdentityEmbedder:
        """The identity embedder for losses."""
        return self._embedder("identity")

    @cached_property
    def held_out(self) -> dict[str, IdentityEmbedder]:
        """The held-out identity embedders by name: other backbones, for evaluation, never in a loss."""
        return {name: self._embedder(name) for name in HELD_OUT}

    def _embedder(self, name: str) -> IdentityEmbedder:
        return IdentityEmbedder.from_folder(self._part(name), self.device, self.dtype)

    @property
    def embedders(self) -> dict[str, IdentityEmbedder]:
        """All identity embedders by name."""
        return {"identity": self.identity, **self.held_out}

    @cached_property
    def attributes(self) -> AttributeClassifier:
        """The classifier of all attributes but those of colours, for evaluation; never in a loss."""
        return self._classifier("attributes")

    @cached_property
    def reader(self) -> AttributeReader:
        """All attributes by the held-out classifiers, for evaluation; never in a loss."""
        return AttributeReader(self.attributes, self._classifier("colours"))

    def _classifier(self, name: str) -> AttributeClassifier:
        return AttributeClassifier.from_folder(self._part(name), self.device, self.dtype)

    @cached_property
    def heads(self) -> AttributeHeads:
        """Linear classifiers of attributes on the code z, for losses."""
        return AttributeHeads.from_folder(self.folder / "heads", self.device, self.dtype)

    @cached_property
    def code_denoiser(self) -> CodeDenoiser:
        """The mean of the codes of images near a code."""
        return CodeDenoiser.from_folder(self.folder / "code_denoiser", self.device, self.dtype)


def part_of(name: str, folder: Path, shared: Path) -> Path:
    """The folder of one part: that in `folder`, else that in `shared`."""
    own = folder / name
    return own if own.is_dir() else shared / name


def load_world(
    folder: str | Path | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
    shared: str | Path | None = None,
) -> ClayWorld:
    """Load the embedded world.

    Args:
        folder: folder of the weights; by default those of this repository.
        device: such as "cpu" or "cuda".
        dtype: torch.float32, or torch.float64 for exact checks.
        shared: folder of the parts that `folder` does not have; they resize the image to their own size. None if it
            has all.

    Raises:
        FileNotFoundError: a part is missing; the message names it.
    """
    folder = DEFAULT_FOLDER if folder is None else Path(folder)
    shared = folder if shared is None else Path(shared)
    missing = [name for name in _PARTS if not part_of(name, folder, shared).is_dir()]
    if missing:
        raise FileNotFoundError(f"The embedded world in {folder} is incomplete: {', '.join(missing)} is missing.")
    autoencoder = DiffusionAutoencoder.from_folder(folder / "diffusion", device, dtype)
    return ClayWorld(folder, shared, device, dtype, autoencoder)


def load_world_of(size: int, device: str | torch.device = "cpu") -> ClayWorld:
    """The embedded world for images of 64 or 128 pixels.

    At 128 pixels the autoencoder, its heads and the held-out networks are its own; CLIP and the identity embedder for
    losses are those of 64 pixels, which resize the image.
    """
    return load_world(DEFAULT_FOLDER if size == 64 else FOLDER_128, device=device, shared=DEFAULT_FOLDER)
