"""`CodeDenoiser`: the mean of the codes of images near a given code, for projections of codes.

With u = P^-1 (z - mu), P the root of the covariance of the codes of images and mu their mean, and F a small network,

    M(z) = E[z' | z' + SIGMA P n = z],  z' the code of an image,  n ~ N(0, 1)
    u_M  = u / (1 + SIGMA^2) + SIGMA / sqrt(1 + SIGMA^2) F(u / sqrt(1 + SIGMA^2))

so that F has inputs and targets of unit variance (Karras et al. 2022, arXiv 2206.00364, section 5). M(z) - z is
SIGMA^2 P P^T times the gradient of the log-density of the noisy codes (Vincent 2011, "A connection between score
matching and denoising autoencoders"): it points to where codes of images are frequent.
"""

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from clay.networks.storage import read_network, save_network

SIGMA = 0.5
"""Standard deviation of the noise, in units of the distribution of codes."""
_SCALE = (1 + SIGMA**2) ** 0.5


class CodeDenoiser(nn.Module):
    """Codes z (b, d) -> M(z), (b, d).

    Args:
        code: d.
        width: of the hidden layers.
        blocks: number of residual blocks.
    """

    def __init__(self, code: int = 128, width: int = 448, blocks: int = 3) -> None:
        super().__init__()
        self.config = {"code": code, "width": width, "blocks": blocks}
        self.mean: Tensor
        self.root: Tensor
        self.register_buffer("mean", torch.zeros(code))
        self.register_buffer("root", torch.eye(code))
        self.first = nn.Linear(code, width)
        self.blocks = nn.ModuleList(_block(width) for _ in range(blocks))
        self.last = nn.Linear(width, code)

    def whitened(self, z: Tensor) -> Tensor:
        """u (b, d) of codes z (b, d)."""
        u: Tensor = torch.linalg.solve(self.root, z - self.mean, left=False)
        return u

    def denoised(self, u: Tensor) -> Tensor:
        """u_M of u, both (b, d)."""
        h = self.first(u / _SCALE)
        for block in self.blocks:
            h = h + block(h)
        found: Tensor = u / _SCALE**2 + SIGMA / _SCALE * self.last(h)
        return found

    def forward(self, z: Tensor) -> Tensor:
        """See the class."""
        return self.denoised(self.whitened(z)) @ self.root + self.mean

    def save_folder(self, folder: Path) -> None:
        """Write config.json and half-precision safetensors."""
        save_network(self, self.config, folder)

    @classmethod
    def from_folder(cls, folder: Path, device: str | torch.device, dtype: torch.dtype) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode."""
        config, weights = read_network(folder, "code denoiser")
        model = cls(**config)
        model.load_state_dict(weights)
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(0.1), nn.Linear(width, width)
    )
