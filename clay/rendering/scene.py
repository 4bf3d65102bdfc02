"""The distance field of the whole scene, and the materials of its surface."""

import math
from typing import NamedTuple

import numpy as np

from clay.rendering.compiled import single, single_loop
from clay.rendering.geometry import Geometry
from clay.rendering.head import (
    beard,
    brows,
    ear,
    face_depth,
    lids,
    mouth,
    nose,
    roughness,
    skull,
    stubble,
    upper_lid_height,
)
from clay.rendering.primitives import bump, capsule, ellipsoid, smooth_min, smooth_step, sphere
from clay.rendering.worn import dark_lenses, frames, hair, hat, hat_height, locks


class Surface(NamedTuple):
    """Signed distances to the seven materials at a point, then masks in [0, 1] and other inputs of the shading."""

    skin: float
    eye: float
    clothes: float
    hair: float
    hat: float
    frames: float
    lenses: float
    pupil: float
    lash: float
    lips: float
    inside: float
    teeth: float
    brows: float
    beard: float
    stubble: float
    blush: float
    ear: float
    lock: float
    along: float


@single
def surface(wx: float, wy: float, wz: float, g: Geometry) -> Surface:
    """The surface data at a world point. The call is inlined, so fields that a caller does not use cost nothing."""
    x = g.r00 * wx + g.r10 * wy + g.r20 * wz
    y = g.r01 * wx + g.r11 * wy + g.r21 * wz
    z = g.r02 * wx + g.r12 * wy + g.r22 * wz
    a = abs(x)
    front = smooth_step(0.15, 0.40, z)
    m = mouth(x, y, front, g)
    brow, hairy, rough = brows(a, y, front, g), beard(a, y, z, m, front, g), roughness(x, y, z)
    face = smooth_min(skull(a, y, z, g), nose(a, y, z, g), 0.12)
    face = face - m.push - 0.045 * brow - hairy * (0.065 + 0.018 * rough)
    ears = ear(a, y, z, g)
    ex, ey, ez = a - g.eye_x, y - g.eye_y, z - face_depth(g) + 0.095
    eye = sphere(ex, ey, ez, g.eye_radius)
    skin = smooth_min(smooth_min(face, ears, 0.05), lids(eye, ey, ez, g), 0.022)
    # Neck and shoulders do not turn with the head.
    skin = smooth_min(skin, capsule(wx, wy, wz, 0.0, -0.55, -0.22, 0.0, -1.5, -0.28, 0.40, 0.42), 0.12)
    collar = capsule(wx, wy, wz, 0.0, -1.30, -0.26, 0.0, -1.5, -0.26, 0.46, 0.50)
    clothes = smooth_min(ellipsoid(wx, wy + 1.92, wz + 0.25, 1.35, 0.62, 0.62), collar, 0.10)
    lock = locks(x, y, z, g)
    grown = hair(x, y, z, lock, g)
    # The band of a hat covers the upper end of the hair.
    grown = max(grown, hat_height(y, z) - (1.0 - g.hat) * 9.0)
    side = math.copysign(1.0, x)
    look = g.gaze * side - 0.10
    pupil = (ex * look - ey * 0.05 + ez) / (math.sqrt(look * look + 1.0025) * g.eye_radius)
    lid = upper_lid_height(ey, ez, g)
    lash = smooth_step(0.05, 0.015, lid) * smooth_step(-0.03, 0.0, lid) * smooth_step(0.06, 0.03, eye)
    lash = lash * smooth_step(0.0, 0.02, ez)
    blush = bump((a - 0.40) / 0.17) * bump((y + 0.20) / 0.13) * front
    return Surface(
        skin, eye, clothes, grown, hat(x, y, z, rough, g), frames(a, y, z, g), dark_lenses(a, y, z, g),
        pupil, lash, m.lips, m.inside, m.teeth, brow, hairy, stubble(a, y, z, g), blush, ears, lock,
        math.sqrt(x * x + (z + 0.12) * (z + 0.12)),
    )  # fmt: skip


@single
def nearest(s: Surface) -> float:
    """Distance to the nearest material."""
    body = min(min(s.skin, s.eye), min(s.clothes, s.hair))
    return min(body, min(s.hat, min(s.frames, s.lenses)))


@single_loop
def distances(points: np.ndarray, out: np.ndarray, g: Geometry) -> None:
    """out[i] = signed distance at points[:, i]; points (3, n) float32."""
    x, y, z = points[0], points[1], points[2]
    for i in range(out.shape[0]):
        out[i] = nearest(surface(x[i], y[i], z[i], g))
