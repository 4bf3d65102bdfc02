"""The exact denoiser for Gaussian images with the power spectrum of natural images.

    x ~ N(0, S) by frequency, for grey and two colours,   S(f) = c / (f_0^2 + |f|^2),   x_t = alpha x + sigma eps
    x0_hat = alpha S / (alpha^2 S + sigma^2) x_t,   eps_hat = (x_t - alpha x0_hat) / sigma

Such images are smooth and vary more in brightness than in colour. The denoiser needs no weights, at any size.
"""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from torch import Tensor

CUTOFF, POWER = 1.5, (0.8, 0.08, 0.02)
"""Frequency below which the spectrum is flat, in cycles per image; variances of grey, red - blue, and green - both."""
_AXES = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
AXES = _AXES / _AXES.norm(dim=1, keepdim=True)


class Spectrum:
    """Predicts eps for square images, with the training times of `scheduler`.

    Args:
        side: side of the images in pixels.
    """

    def __init__(self, side: int) -> None:
        self.alphas = scheduler().alphas_cumprod
        rows, columns = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
        power = 1 / ((CUTOFF / side) ** 2 + rows.square() + columns.square())
        self.power = torch.tensor(POWER).view(3, 1, 1) * power / power.mean()

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """eps (b, 3, side, side) for t (b,) and x (b, 3, side, side); z is not used."""
        signal = self.alphas[t.long().cpu()].view(-1, 1, 1, 1).to(x)
        gain = signal.sqrt() * self.power / (signal * self.power + 1 - signal)
        axes = AXES.to(x)
        opponent = torch.einsum("kc,bchw->bkhw", axes, x)
        clean = torch.fft.irfft2(gain * torch.fft.rfft2(opponent), s=x.shape[-2:])
        clean = torch.einsum("kc,bkhw->bchw", axes, clean)
        noise: Tensor = (x - signal.sqrt() * clean) / (1 - signal).sqrt()
        return noise


def scheduler() -> Any:
    """A new scheduler with the noise schedule of DDPM."""
    made: Any = diffusers.DDIMScheduler  # not annotated
    return made(1000, clip_sample=False, timestep_spacing="trailing")
