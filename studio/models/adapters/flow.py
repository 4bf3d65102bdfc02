"""A transformer trained by flow matching: u = eps - x0 at x_t = (1 - t) x0 + t eps, z the prompt's embedding.

Prompts are padded to one length. A token of zeros is padding: attention masks it, so its gradient is exactly 0 and
steering does not change it.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from studio.models.adapters.required import required


class FlowTransformer(nn.Module):
    """SanaTransformer2DModel as a denoiser; z (b, tokens, d), times in [0, 1000] as in its scheduler."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """u of x's shape; z is required."""
        z = required(z, "text-conditioned", "the prompt's embedding")
        mask = (z.detach() != 0).any(dim=-1)
        output: Tensor = self.transformer(
            x,
            encoder_hidden_states=z,
            timestep=t * self.transformer.config.timestep_scale,
            encoder_attention_mask=mask.to(x.dtype),
        ).sample
        return output
