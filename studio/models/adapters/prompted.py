"""A text-conditioned UNet: z is the prompt's embedding, so steering changes the prompt in embedding space."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from studio.models.adapters.required import required


class Prompted(nn.Module):
    """UNet2DConditionModel as a denoiser; z (b, tokens, d) is the text encoder's last hidden state."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """Prediction of x's shape; z is required."""
        prompt = required(z, "text-conditioned", "the prompt's embedding")
        output: Tensor = self.unet(x, t, encoder_hidden_states=prompt).sample
        return output
