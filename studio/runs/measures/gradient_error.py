"""The relative error of a gradient, from what an audit measured."""

from __future__ import annotations

import math

from adjointdeis import Audit

EXACT = 1e-3
"""Relative errors up to this are shown as exact."""


def relative_error(cosine: float, length_ratio: float) -> float:
    """|a - b| / |b| from the cosine c of a and b and r = |a| / |b|: sqrt(r^2 - 2 r c + 1)."""
    return math.sqrt(max(length_ratio**2 - 2 * length_ratio * cosine + 1, 0.0))


def gradient_errors(found: Audit) -> dict[str, float]:
    """The relative error of the audited gradient, by variable."""
    return {name: relative_error(cosine, found.length_ratio[name]) for name, cosine in found.cosine.items()}
