"""How exactly a picture survives encode -> sample, measured on the 8-bit levels a person would save."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from studio.images.load import to_levels


@dataclass(frozen=True)
class RoundTrip:
    """Largest difference in 8-bit levels (0 to 255), and PSNR in dB (infinite where every level is the same)."""

    largest: int
    psnr: float

    @property
    def exact(self) -> bool:
        """Every pixel came back as it went in."""
        return self.largest == 0


def measure(image: Tensor, again: Tensor) -> RoundTrip:
    """Compare (1, 3, h, w) with its reconstruction, both in [-1, 1]."""
    difference = to_levels(image).double() - to_levels(again).double()
    squared = float(difference.square().mean())
    psnr = math.inf if squared == 0 else 10 * math.log10(255**2 / squared)
    return RoundTrip(int(difference.abs().max()), psnr)
