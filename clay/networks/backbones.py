"""The three backbones of the identity embedders: convolutional networks and a transformer.

`Backbone` is residual, in the manner of ArcFace's (Deng et al. 2019, arXiv 1801.07698); `PlainStack` is a plain stack
of convolutions (after VGG, Simonyan and Zisserman 2015, arXiv 1409.1556); `Transformer` has a few convolutions under a
transformer (after Xiao et al. 2021, arXiv 2106.14881). All map (b, c, 64, 64) to (b, channels[-1], 4, 4); c is 3, or
12 where 2 x 2 pixels of a larger image are folded into the channels.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn


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
    """A residual network, (b, c, 64, 64) -> (b, channels[-1], 4, 4); the attribute classifier uses it, too.

    Args:
        channels: widths at 32, 16, 8 and 4 pixels.
        inputs: c.
    """

    def __init__(self, channels: tuple[int, ...], inputs: int = 3) -> None:
        first = nn.Conv2d(inputs, channels[0], 3, 2, 1, bias=False)
        stem = [first, nn.BatchNorm2d(channels[0]), nn.PReLU(channels[0])]
        steps = pairwise(channels)
        super().__init__(*stem, *(_Residual(a, b, 2) for a, b in steps))


class PlainStack(nn.Sequential):
    """(b, c, 64, 64) -> (b, channels[-1], 4, 4): two convolutions and max pooling at each resolution, no shortcuts.

    Args:
        channels: widths at 32, 16, 8 and 4 pixels.
        inputs: c.
    """

    def __init__(self, channels: tuple[int, ...], inputs: int = 3) -> None:
        layers: list[nn.Module] = [nn.Conv2d(4 * inputs, channels[0], 3, 1, 1)]
        for a, b in pairwise(channels):
            layers += [nn.GroupNorm(8, a), nn.SiLU(), nn.Conv2d(a, b, 3, 1, 1), nn.MaxPool2d(2)]
            layers += [nn.GroupNorm(8, b), nn.SiLU(), nn.Conv2d(b, b, 3, 1, 1)]
        super().__init__(nn.PixelUnshuffle(2), *layers, nn.GroupNorm(8, channels[-1]), nn.SiLU())


class Transformer(nn.Module):
    """(b, c, 64, 64) -> (b, channels[-1], 4, 4): convolutions to 8 x 8 tokens, then three layers of attention.

    Args:
        channels: widths at 32, 16 and 8 pixels, and of the output.
        inputs: c.
    """

    _LAYERS, _HEADS = 3, 4

    def __init__(self, channels: tuple[int, ...], inputs: int = 3) -> None:
        super().__init__()
        *stem, out = channels
        convs = [(nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(8, b), nn.GELU()) for a, b in pairwise([inputs, *stem])]
        self.stem = nn.Sequential(*(layer for group in convs for layer in group))
        width = stem[-1]
        self.place = nn.Parameter(0.02 * torch.randn(64, width))
        layer = nn.TransformerEncoderLayer(
            width, self._HEADS, 3 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, self._LAYERS, enable_nested_tensor=False)
        self.last = nn.Conv2d(width, out, 2, 2)

    def forward(self, image: Tensor) -> Tensor:
        """Feature maps (b, channels[-1], 4, 4) of inputs (b, c, 64, 64)."""
        tokens = self.stem(image).flatten(2).mT + self.place
        out: Tensor = self.last(self.layers(tokens).mT.unflatten(2, (8, 8)))
        return out


KINDS: dict[str, Callable[[tuple[int, ...], int], nn.Module]] = {
    "residual": Backbone,
    "plain": PlainStack,
    "transformer": Transformer,
}


def fold_of(size: int) -> int:
    """n, where images of `size` pixels enter a backbone with n x n pixels folded into the channels.

    Raises:
        ValueError: the size is no multiple of 64.
    """
    fold, rest = divmod(size, 64)
    if rest or not fold:
        raise ValueError(f"size must be a multiple of 64, but is {size}.")
    return fold


def load_enlarged(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load the weights of a network for images of 64 pixels into one for larger images.

    At first it computes what that network did, of means over fold x fold pixels: each weight of the first convolution
    is divided among their channels.
    """
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    network.load_state_dict({k: w if w.shape == shapes[k] else _divided(w, shapes[k]) for k, w in weights.items()})


def _divided(first: Tensor, shape: torch.Size) -> Tensor:
    """(out, 3 k, h, w) -> `shape`, (out, 3 n k, h, w); k = 4 for `PlainStack`, which folds again."""
    out, channels, *kernel = first.shape
    n = shape[1] // channels
    by_colour = first.view(out, 3, 1, channels // 3, *kernel) / n
    return by_colour.expand(-1, -1, n, -1, -1, -1).reshape(shape)
