"""Primitives of the distance field: smooth unions, ellipsoids, capsules, bumps.

Signed distances are negative inside. Sources: I. Quilez, "Smooth minimum" and "Distance functions"
(iquilezles.org). The formulas have no branches, so that loops over pixels vectorise.
"""

import math

import numpy as np

from clay.rendering.compiled import single


@single
def clip(x: float, low: float, high: float) -> float:
    """min(max(x, low), high)."""
    return min(max(x, low), high)


@single
def smooth_min(a: float, b: float, k: float) -> float:
    """min(a, b) with a quadratic blend where |a - b| < k."""
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25


@single
def smooth_max(a: float, b: float, k: float) -> float:
    """max(a, b) with a quadratic blend where |a - b| < k."""
    h = max(k - abs(a - b), 0.0) / k
    return max(a, b) + h * h * k * 0.25


@single
def smooth_step(low: float, high: float, x: float) -> float:
    """0 below `low`, 1 above `high`, 3 s^2 - 2 s^3 between; `low > high` falls instead of rising."""
    s = min(max((x - low) / (high - low), 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)


@single
def mix(a: float, b: float, share: float) -> float:
    """a + share (b - a)."""
    return a + (b - a) * share


@single
def sphere(x: float, y: float, z: float, radius: float) -> float:
    """Signed distance to a sphere around the origin."""
    return math.sqrt(x * x + y * y + z * z + 1e-9) - radius


@single
def ellipsoid(x: float, y: float, z: float, rx: float, ry: float, rz: float) -> float:
    """First-order signed distance k0 (k0 - 1) / k1 to an ellipsoid with radii rx, ry, rz."""
    ux, uy, uz = x / rx, y / ry, z / rz
    vx, vy, vz = ux / rx, uy / ry, uz / rz
    k0 = math.sqrt(ux * ux + uy * uy + uz * uz + 1e-9)
    k1 = math.sqrt(vx * vx + vy * vy + vz * vz + 1e-9)
    return k0 * (k0 - 1.0) / k1


@single
def capsule(
    x: float, y: float, z: float,
    ax: float, ay: float, az: float,
    bx: float, by: float, bz: float,
    radius_a: float, radius_b: float,
) -> float:  # fmt: skip
    """Signed distance to a rod from a to b whose radius changes linearly from radius_a to radius_b."""
    dx, dy, dz = bx - ax, by - ay, bz - az
    px, py, pz = x - ax, y - ay, z - az
    h = (px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz + 1e-9)
    h = min(max(h, 0.0), 1.0)
    px, py, pz = px - h * dx, py - h * dy, pz - h * dz
    return math.sqrt(px * px + py * py + pz * pz + 1e-9) - (radius_a + (radius_b - radius_a) * h)


@single
def bump(x: float) -> float:
    """exp(-x^2), approximated by (1 - x^2/16)^16; 0 for |x| >= 4."""
    q = max(1.0 - x * x * 0.0625, 0.0)
    q = q * q
    q = q * q
    q = q * q
    return q * q


@single
def wave(x: float) -> float:
    """sin(x) to about 1e-3, by a corrected parabola."""
    whole: float = np.floor(x * 0.15915494 + 0.5)
    turns = x * 0.15915494 - whole
    y = turns * (8.0 - 16.0 * abs(turns))
    return y * (0.775 + 0.225 * abs(y))
