"""The distance field of a head: skull, eyes, lids, nose, ears, mouth, brows, facial hair.

Coordinates are relative to the head; a = |x|, because a head is symmetric. Functions return signed distances, or
masks in [0, 1] that displace the skin and colour it.
"""

import math
from typing import NamedTuple

from clay.rendering.compiled import single
from clay.rendering.geometry import Geometry
from clay.rendering.primitives import (
    bump,
    capsule,
    clip,
    ellipsoid,
    smooth_max,
    smooth_min,
    smooth_step,
    sphere,
    wave,
)


class Mouth(NamedTuple):
    """Masks in [0, 1], the displacement of the skin, and coordinates u, v that place the moustache and the beard."""

    lips: float
    inside: float
    teeth: float
    push: float
    u: float
    v: float


@single
def skull(a: float, y: float, z: float, g: Geometry) -> float:
    """Cranium, jaw, cheeks and chin, with sockets cut for the eyes."""
    cranium = ellipsoid(a, y - 0.22, z + 0.08, 0.80 * g.head_width, 0.86, 0.87)
    jaw = ellipsoid(a, y + 0.38, z - 0.13, 0.55 * g.jaw_width, 0.56 * g.jaw_length, 0.58)
    cheek = sphere(a - 0.37 * g.head_width, y + 0.20, z - 0.44, 0.25 * g.cheeks)
    chin = sphere(a, y + 0.38 + 0.48 * g.jaw_length, z - 0.50, 0.13 * g.chin)
    whole = smooth_min(smooth_min(smooth_min(cranium, jaw, 0.40), cheek, 0.28), chin, 0.22)
    socket = sphere(a - g.eye_x, y - g.eye_y - 0.01, z - face_depth(g) - 0.13, 1.12 * g.eye_radius)
    return smooth_max(whole, -socket, 0.16)


@single
def face_depth(g: Geometry) -> float:
    """z of the cranium's surface where the eyes sit."""
    up, side = (g.eye_y - 0.22) / 0.86, g.eye_x / (0.80 * g.head_width)
    return -0.08 + 0.87 * math.sqrt(max(1.0 - side * side - up * up, 0.1))


@single
def upper_lid_height(y: float, z: float, g: Geometry) -> float:
    """Height of a point above the tilted plane that cuts the upper lid; y, z from the eye's centre."""
    return y - (g.upper_lid + 0.25) * g.eye_radius + 0.25 * z


@single
def lids(eyeball: float, y: float, z: float, g: Geometry) -> float:
    """A shell around the eyeball, kept above the upper plane and below the lower one."""
    shell = eyeball - 0.022
    upper = smooth_max(shell, -upper_lid_height(y, z, g), 0.015)
    lower = smooth_max(shell, y - (g.lower_lid - 0.12) * g.eye_radius - 0.12 * z, 0.015)
    return min(upper, lower)


@single
def nose(a: float, y: float, z: float, g: Geometry) -> float:
    """A bridge that widens downwards, and two wings."""
    root = face_depth(g) + 0.05
    tip = root + 0.10 + g.nose_length
    tip_radius = 0.0425 + 0.0425 * g.nose_width
    bridge = capsule(a, y, z, 0.0, g.eye_y + 0.08, root + 0.01, 0.0, -0.20, tip, 0.045 * g.nose_width, tip_radius)
    wing = sphere(a - 0.085 * g.nose_width, y + 0.225, z - root - 0.045 - 0.6 * g.nose_length, 0.062)
    return smooth_min(bridge, wing, 0.06)


@single
def ear(a: float, y: float, z: float, g: Geometry) -> float:
    """A flat ellipsoid leaning outwards at the back, with a hollow."""
    out = a - 0.80 * g.head_width
    lean = 0.02 + 0.25 * clip(-(z + 0.06), -0.2, 0.3)
    shell = ellipsoid(out - lean, y, z + 0.10, 0.060, 0.20 * g.ear_size, 0.13 * g.ear_size)
    hollow = sphere(out - 0.09, y - 0.02, z + 0.04, 0.085 * g.ear_size)
    return smooth_max(shell, -hollow, 0.04)


@single
def mouth(x: float, y: float, front: float, g: Geometry) -> Mouth:
    """Lips along a parabola v = y - curve(u), separated by the gap; `front` fades the mouth out behind z = 0.15."""
    u = x / g.mouth_width
    u2 = u * u
    v = y + 0.215 + 0.27 * g.jaw_length - g.mouth_curve * min(u2 - 0.35, 1.2)
    taper = max(1.0 - u2, 0.0)
    arch = math.sqrt(taper)
    gap = g.mouth_gap * arch
    upper_height = 0.052 * g.lip_fullness * arch + 0.004
    lower_height = 0.062 * g.lip_fullness * arch + 0.004
    bow = 0.010 * g.lip_fullness * bump(u * 5.0)
    upper = bump((v - gap - 0.7 * upper_height + bow) / upper_height) * taper
    lower = bump((v + gap + 0.75 * lower_height) / lower_height) * taper
    opened = smooth_step(0.005, 0.015, g.mouth_gap)
    side = abs(u)
    line = bump(v / 0.016) * smooth_step(1.12, 0.92, side) * (1.0 - opened)
    inside = smooth_step(0.012, -0.012, abs(v) - gap) * opened * smooth_step(1.02, 0.95, side)
    push = front * (0.042 * upper + 0.050 * lower - 0.030 * line - 0.075 * inside)
    teeth = inside * smooth_step(0.0, 0.02, v - gap * 0.25) * front
    return Mouth(max(upper, lower) * front, inside * front, teeth, push, u, v)


@single
def brows(a: float, y: float, front: float, g: Geometry) -> float:
    """A mask along an arch over each eye, thinner outwards."""
    along = (a - g.eye_x - 0.02) / 0.19
    arch = g.brow_arch * clip(1.0 - along * along, -1.0, 1.0)
    across = y - g.eye_y - g.brow_height - g.brow_raise - arch + (g.brow_slant + 0.02) * along
    thickness = g.brow_thickness * (1.0 - 0.45 * (clip(along, -1.0, 1.0) * 0.5 + 0.5))
    q, r = across / thickness, along * along
    return smooth_step(1.25, 0.35, q * q + r * r * r) * front


@single
def beard(a: float, y: float, z: float, m: Mouth, front: float, g: Geometry) -> float:
    """One mask for beard, goatee and moustache.

    A beard covers the skin below a line from the sideburn along the cheek to the corner of the mouth, except the lips
    and a little skin above the chin.
    """
    line = -0.42 + 0.50 * max(a - 0.28, 0.0) + 1.6 * max(a - 0.58, 0.0)
    below = smooth_step(-0.03, 0.11, line - y) * smooth_step(-0.30, 0.0, z)
    room = m.v / (0.13 * max(g.lip_fullness, 0.8) + g.mouth_gap)
    u2 = m.u * m.u
    free = smooth_step(0.0, 0.05, room * room * 0.16 + u2 * 0.10 - 0.105)
    chin = below * free * smooth_step(0.38, 0.25, a)
    lip = m.v - 0.150 - g.mouth_gap + 0.04 * min(u2, 2.0)
    upper_lip = bump(lip / 0.058) * smooth_step(1.40, 0.95, abs(m.u)) * front
    return max(max(below * free * g.beard, chin * g.goatee), upper_lip * g.moustache)


@single
def stubble(a: float, y: float, z: float, g: Geometry) -> float:
    """A mask over jaw and upper lip that colours the skin and does not displace it."""
    line = -0.28 + 0.75 * max(a - 0.25, 0.0)
    return g.stubble * smooth_step(0.0, 0.25, line - y) * smooth_step(-0.2, 0.1, z)


@single
def roughness(x: float, y: float, z: float) -> float:
    """The roughness of clay, in [-1, 1]."""
    return wave(x * 23.0 + 0.6) * wave(y * 21.0 + z * 9.0) * wave(z * 19.0 + 0.3)
