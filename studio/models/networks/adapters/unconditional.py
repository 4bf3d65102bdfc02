"""A UNet without conditioning: net(t, x, None)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class Unconditional(nn.Module):
    """UNet2DModel as a denoiser.

    Args:
        unet: its output may have the variance (learned sigmas) after the prediction, which the samplers do not use.
    """

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """Prediction of x's shape."""
        return prediction(self.unet(x, t).sample, x)


def prediction(output: Tensor, x: Tensor) -> Tensor:
    """The output without its variance channels, if it has any."""
    return output if output.shape[1] == x.shape[1] else output[:, : x.shape[1]]
