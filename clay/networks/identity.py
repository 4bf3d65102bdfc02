"""`IdentityEmbedder`: maps an image of a face to a unit vector; images of one person have a high cosine similarity.

There are three kinds of backbone, so that held-out embedders differ from the one in the loss in more than their
weights. They are trained on rendered people and must not be used on photographs.
"""

from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clay.networks.backbones import KINDS, fold_of
from clay.networks.images import backbone_input
from clay.networks.storage import read_network, save_network


class IdentityEmbedder(nn.Module):
    """image (b, 3, h, w) in [-1, 1], resized to size x size -> unit vectors (b, dimension).

    Args:
        channels: widths of the backbone.
        dimension: length of the embedding.
        kind: kind of the backbone, one of `KINDS`.
        thresholds: by name of a false match rate, the cosine similarity above which two images show one person.
        size: of the input in pixels, a multiple of 64.
    """

    def __init__(
        self,
        channels: tuple[int, ...] = (24, 48, 96, 128),
        dimension: int = 128,
        kind: str = "residual",
        thresholds: dict[str, float] | None = None,
        size: int = 64,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"channels": list(channels), "dimension": dimension, "kind": kind, "size": size}
        self.thresholds, self.size, self.fold = dict(thresholds or {}), size, fold_of(size)
        self.backbone = KINDS[kind](channels, 3 * self.fold**2)
        self.head = nn.Linear(channels[-1] * 16, dimension, bias=False)
        self.norm = nn.BatchNorm1d(dimension, affine=False)

    def forward(self, image: Tensor) -> Tensor:
        """Unit vectors (b, dimension) of images (b, 3, h, w); their dot product is the cosine similarity."""
        h = self.backbone(backbone_input(image, self.fold))
        return F.normalize(self.norm(self.head(h.flatten(1))))

    def save_folder(self, folder: Path) -> None:
        """Write config.json and model.safetensors in half precision."""
        save_network(self, self.config | {"thresholds": self.thresholds}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode.

        Raises:
            FileNotFoundError: a file is missing; the message names it.
        """
        config, weights = read_network(folder, "identity embedder")
        config["channels"] = tuple(config["channels"])
        model = cls(**config)
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)
