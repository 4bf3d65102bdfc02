"""The error of encode -> sample, measured on the 8-bit levels of a saved picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from studio.images.load import to_levels


@dataclass(frozen=True)
class RoundTrip:
    """Largest difference in 8-bit levels (0 to 255), and PSNR in dB (infinite if all levels are equal)."""

    largest: int
    psnr: float

    @property
    def exact(self) -> bool:
        """Whether every level is the same as before."""
        return self.largest == 0


def measure(image: Tensor, again: Tensor) -> RoundTrip:
    """Compare (1, 3, h, w) with its reconstruction, both in [-1, 1]."""
    difference = to_levels(image).double() - to_levels(again).double()
    squared = float(difference.square().mean())
    psnr = math.inf if squared == 0 else 10 * math.log10(255**2 / squared)
    return RoundTrip(int(difference.abs().max()), psnr)
