"""Whose face is this: an embedder whose cosine similarity is high for two pictures of one person.

Three kinds of small networks, so that judges see otherwise than the network in a loss: a residual one in the manner
of ArcFace's (Deng et al. 2019, arXiv 1801.07698); a plain stack of convolutions (after VGG, Simonyan and Zisserman
2015, arXiv 1409.1556); and a few convolutions under a transformer (after Xiao et al. 2021, arXiv 2106.14881).
Trained on rendered people only, they know nothing about photographs.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class _Residual(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation around a shortcut."""

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.bend1, self.bend2 = nn.PReLU(out_channels), nn.PReLU(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != out_channels:
            pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            conv = nn.Conv2d(channels, out_channels, 1, bias=False)
            self.shortcut = nn.Sequential(pool, conv, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm2(self.conv2(self.bend1(self.norm1(self.conv1(x)))))
        out: Tensor = self.bend2(h + self.shortcut(x))
        return out


class Backbone(nn.Sequential):
    """(b, 3, 64, 64) -> (b, channels[-1], 4, 4); also the trunk of the attribute reader.

    Args:
        channels: widths at 32, 16, 8 and 4 pixels.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        stem = [nn.Conv2d(3, channels[0], 3, 2, 1, bias=False), nn.BatchNorm2d(channels[0]), nn.PReLU(channels[0])]
        steps = pairwise(channels)
        super().__init__(*stem, *(_Residual(a, b, 2) for a, b in steps))


class PlainStack(nn.Sequential):
    """(b, 3, 64, 64) -> (b, channels[-1], 4, 4): two convolutions and a maximum at each resolution, no shortcuts.

    Args:
        channels: widths at 32, 16, 8 and 4 pixels.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        layers: list[nn.Module] = [nn.Conv2d(12, channels[0], 3, 1, 1)]
        for a, b in pairwise(channels):
            layers += [nn.GroupNorm(8, a), nn.SiLU(), nn.Conv2d(a, b, 3, 1, 1), nn.MaxPool2d(2)]
            layers += [nn.GroupNorm(8, b), nn.SiLU(), nn.Conv2d(b, b, 3, 1, 1)]
        super().__init__(nn.PixelUnshuffle(2), *layers, nn.GroupNorm(8, channels[-1]), nn.SiLU())


class Transformer(nn.Module):
    """(b, 3, 64, 64) -> (b, channels[-1], 4, 4): convolutions down to 8 x 8 tokens, then attention among them.

    Args:
        channels: widths at 32, 16 and 8 pixels, and of what leaves.
    """

    _LAYERS, _HEADS = 3, 4

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        *stem, out = channels
        convs = [(nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(8, b), nn.GELU()) for a, b in pairwise([3, *stem])]
        self.stem = nn.Sequential(*(layer for group in convs for layer in group))
        width = stem[-1]
        self.place = nn.Parameter(0.02 * torch.randn(64, width))
        layer = nn.TransformerEncoderLayer(
            width, self._HEADS, 3 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, self._LAYERS, enable_nested_tensor=False)
        self.last = nn.Conv2d(width, out, 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Maps of 4 x 4, like the other kinds'."""
        tokens = self.stem(image).flatten(2).mT + self.place
        out: Tensor = self.last(self.layers(tokens).mT.unflatten(2, (8, 8)))
        return out


KINDS: dict[str, Callable[[tuple[int, ...]], nn.Module]] = {
    "residual": Backbone,
    "plain": PlainStack,
    "transformer": Transformer,
}


def fit_input(image: Tensor, size: int) -> Tensor:
    """Resize (b, 3, h, w) to size x size with antialiasing; differentiable."""
    if image.ndim != 4 or image.shape[1] != 3:
        raise ValueError(f"image must have shape (b, 3, h, w), but has {tuple(image.shape)}.")
    if image.shape[-2:] == (size, size):
        return image
    return F.interpolate(image, (size, size), mode="bicubic", antialias=True, align_corners=False)


class IdentityEmbedder(nn.Module):
    """image (b, 3, h, w) in [-1, 1] -> unit vectors (b, 128).

    Args:
        channels: widths of the backbone.
        dimension: length of the embedding.
        kind: of backbone, one of `KINDS`.
        thresholds: cosine similarities above which two pictures count as one person, by false match rate.
    """

    size = 64

    def __init__(
        self,
        channels: tuple[int, ...] = (24, 48, 96, 128),
        dimension: int = 128,
        kind: str = "residual",
        thresholds: dict[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"channels": list(channels), "dimension": dimension, "kind": kind}
        self.thresholds = dict(thresholds or {})
        self.backbone = KINDS[kind](channels)
        self.head = nn.Linear(channels[-1] * 16, dimension, bias=False)
        self.norm = nn.BatchNorm1d(dimension, affine=False)

    def forward(self, image: Tensor) -> Tensor:
        """Unit vectors (b, 128); their dot product is the similarity."""
        h = self.backbone(fit_input(image, self.size))
        return F.normalize(self.norm(self.head(h.flatten(1))))

    def save_folder(self, folder: Path) -> None:
        """Write config.json and half-precision safetensors."""
        save_network(self, self.config | {"thresholds": self.thresholds}, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode."""
        config, weights = read_network(folder, "identity embedder")
        config["channels"] = tuple(config["channels"])
        model = cls(**config)
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)


def save_network(network: nn.Module, config: dict[str, Any], folder: Path) -> None:
    """Write a network's configuration and its weights in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    weights = network.state_dict().items()
    save_file({k: (v.half() if v.is_floating_point() else v).contiguous() for k, v in weights}, folder / _WEIGHTS)


def read_network(folder: Path, noun: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Configuration and weights that `save_network` wrote.

    Raises:
        FileNotFoundError: naming the file that is missing.
    """
    for name in (_CONFIG, _WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no {noun}: {name} is missing.")
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    return config, load_file(folder / _WEIGHTS)
