"""Confidence intervals of counted shares."""

from __future__ import annotations

from math import sqrt

Z_95 = 1.959964


def wilson(hits: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, doi 10.1080/01621459.1927.10502953).

        (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),   p = hits / n

    Args:
        hits: from 0 to n.
        n: at least 1.
        z: quantile of the normal law; the default gives 95 %.

    Raises:
        ValueError: counts out of range.
    """
    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"An interval needs 0 <= hits <= n and n at least 1; got {hits} of {n}.")
    p, scale = hits / n, 1 + z * z / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def share(hits: int, n: int) -> str:
    """As "46 of 48, 96 % (86 to 99)"."""
    low, high = wilson(hits, n)
    return f"{hits} of {n}, {100 * hits / n:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
