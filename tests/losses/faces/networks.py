"""Small networks in ONNX, written by the tests."""

import warnings

import torch
from torch import nn

SIZE = 48


class Block(nn.Module):
    """The residual block of ArcFace's networks: batch normalisation, PReLU, stride 2."""

    def __init__(self, channels, out_channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.Conv2d(channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.PReLU(out_channels),
            nn.Conv2d(out_channels, out_channels, 3, 2, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = nn.Conv2d(channels, out_channels, 1, 2, bias=False)

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class Small(nn.Module):
    """Three blocks, `last`, and a linear layer."""

    def __init__(self, last=None):
        super().__init__()
        self.blocks = nn.Sequential(Block(3, 8), Block(8, 8), Block(8, 8))
        self.fc, self.last = nn.Linear(8 * (SIZE // 8) ** 2, 16), last or nn.Identity()

    def forward(self, x):
        return self.fc(self.last(self.blocks(x)).flatten(1))


def small(seed=0, last=None):
    torch.manual_seed(seed)
    return Small(last).eval()


def write(network, path, opset=13, batch=True):
    """Export by tracing, with an open batch dimension or a batch of one."""
    opened = {"dynamic_axes": {"face": {0: "b"}, "out": {0: "b"}}} if batch else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.rand(1, 3, SIZE, SIZE),), str(path), dynamo=False, opset_version=opset,
            input_names=["face"], output_names=["out"], **opened,
        )  # fmt: skip
    return path
