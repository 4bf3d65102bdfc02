"""Images between two images, for mixup in the codes of the diffusion autoencoder."""

import torch
from torch import Tensor

from clay.networks.autoencoder import DiffusionAutoencoder


@torch.no_grad()
def mix(autoencoder: DiffusionAutoencoder, first: Tensor, second: Tensor, w: Tensor) -> Tensor:
    """m((1 - w) z_0 + w z_1) + (1 - w) (x_0 - m(z_0)) + w (x_1 - m(z_1)), clamped: x_0 at w = 0, x_1 at w = 1.

    Args:
        autoencoder: gives z = E(x) and the coarse image m(z).
        first: x_0, (b, 3, side, side) in [-1, 1].
        second: x_1, likewise.
        w: (b, 1) in [0, 1].

    Returns:
        (b, 3, side, side) in [-1, 1].
    """
    z_0, z_1 = autoencoder.encode(first), autoencoder.encode(second)
    m_0, m_1, m = autoencoder.decoder(torch.cat([z_0, z_1, torch.lerp(z_0, z_1, w)])).mean.chunk(3)
    mixed: Tensor = m + torch.lerp(first - m_0, second - m_1, w[:, :, None, None])
    return mixed.clamp(-1, 1)
