"""The part of the face at each pixel of a render, for the training of a segmenter.

Parts that hair, a hat or a beard could cover are named by their place on the head, so that a face without them has the
same parts as a face with them.
"""

import numpy as np

from clay.people.parts import PARTS
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.compiled import single, single_loop
from clay.rendering.geometry import Geometry
from clay.rendering.head import ear, nose
from clay.rendering.labels import render_labels
from clay.rendering.primitives import bump, capsule
from clay.rendering.scene import surface
from clay.rendering.shading import IS_CLOTHES, IS_EYE, IS_FRAMES, IS_HAIR, IS_HAT, IS_LENSES, material

BACKGROUND, SKIN, HAIR, EYES, NOSE, MOUTH, JAW, EARS, CLOTHES = range(len(PARTS))


@single
def part(wx: float, wy: float, wz: float, g: Geometry) -> int:
    """The part at a world point of the surface."""
    s = surface(wx, wy, wz, g)
    kind = material(s)
    if kind == IS_CLOTHES:
        return CLOTHES
    if kind in (IS_HAIR, IS_HAT):
        return HAIR
    if kind in (IS_EYE, IS_FRAMES, IS_LENSES) or s.brows > 0.4:
        return EYES
    x = g.r00 * wx + g.r10 * wy + g.r20 * wz
    y = g.r01 * wx + g.r11 * wy + g.r21 * wz
    z = g.r02 * wx + g.r12 * wy + g.r22 * wz
    a = abs(x)
    if s.lips > 0.3 or s.inside > 0.3:
        return MOUTH
    if ear(a, y, z, g) < s.skin + 0.02:
        return EARS
    across, up = (a - g.eye_x) / (1.5 * g.eye_radius), (y - g.eye_y) / (1.3 * g.eye_radius)
    if z > 0.2 and across * across + up * up < 1.0:
        return EYES
    if y < g.eye_y and nose(a, y, z, g) < s.skin + 0.03:
        return NOSE
    if capsule(wx, wy, wz, 0.0, -0.55, -0.22, 0.0, -1.5, -0.28, 0.40, 0.42) < s.skin + 0.02:
        return SKIN
    if z > -0.15 and y < -0.34 + 0.50 * max(a - 0.28, 0.0) + 1.6 * max(a - 0.58, 0.0):
        return JAW
    mouth_y = -0.215 - 0.27 * g.jaw_length
    if a < g.mouth_width and bump((y - mouth_y - 0.15) / 0.09) > 0.4:
        return JAW
    if y > 0.62 or (z < 0.0 and y > 0.1):
        return HAIR
    return SKIN


@single_loop
def draw_parts(g: Geometry, points: np.ndarray, seen: np.ndarray, out: np.ndarray) -> None:
    """out (n,) uint8: the part at every point."""
    for i in range(seen.size):
        out[i] = part(points[0, i], points[1, i], points[2, i], g) if seen[i] else BACKGROUND


def render_parts(person: Person, view: View, size: int = 64) -> np.ndarray:
    """The numbers of the parts, (size, size) uint8.

    Args:
        person: the identity.
        view: the view of it.
        size: side in pixels, a multiple of 8.

    Raises:
        ValueError: `size` is not a positive multiple of 8.
    """
    return render_labels(person, view, size, draw_parts)
