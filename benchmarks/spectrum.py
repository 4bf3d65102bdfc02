"""The exact denoiser of pictures that are a Gaussian with the power spectrum of natural ones.

    x ~ N(0, S) by frequency,   S(f) = c / (f_0^2 + |f|^2),   x_t = alpha x + sigma eps
    x0_hat = alpha S / (alpha^2 S + sigma^2) x_t,   eps_hat = (x_t - alpha x0_hat) / sigma

It knows that pictures are smooth, and nothing of what they show. No weights are needed, at any size.
"""

from __future__ import annotations

from typing import Any

import diffusers
import torch
from torch import Tensor

CUTOFF, POWER = 1.5, 0.3
"""Cycles a picture below which the spectrum is flat; mean square of a picture's values."""


class Spectrum:
    """Predicts eps for square pictures of one side, by the times of `scheduler`."""

    def __init__(self, side: int) -> None:
        self.alphas = scheduler().alphas_cumprod
        rows, columns = torch.fft.fftfreq(side)[:, None], torch.fft.rfftfreq(side)
        power = 1 / ((CUTOFF / side) ** 2 + rows.square() + columns.square())
        self.power = POWER * power / power.mean()

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """t (b,), x (b, 3, side, side) -> eps of x's shape; z is not looked at."""
        signal = self.alphas[t.long().cpu()].view(-1, 1, 1, 1).to(x)
        gain = signal.sqrt() * self.power / (signal * self.power + 1 - signal)
        clean = torch.fft.irfft2(gain * torch.fft.rfft2(x), s=x.shape[-2:])
        return (x - signal.sqrt() * clean) / (1 - signal).sqrt()


def scheduler() -> Any:
    """A fresh one of the noise schedule of DDPM."""
    return diffusers.DDIMScheduler(1000, clip_sample=False, timestep_spacing="trailing")
