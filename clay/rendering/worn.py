"""The distance field of hair, hat and glasses. Coordinates as in `head`."""

import math

from clay.rendering.compiled import single
from clay.rendering.geometry import Geometry
from clay.rendering.head import face_depth
from clay.rendering.primitives import capsule, clip, ellipsoid, smooth_max, smooth_min, smooth_step, sphere, wave

# Added to the distance of an absent part.
FAR = 5.0


@single
def locks(x: float, y: float, z: float, g: Geometry) -> float:
    """Displacement of the hair's surface by curls and strands."""
    return g.curls * (wave(x * 13.0 + 1.0) * wave(y * 12.0) * wave(z * 13.0) + 0.4 * wave(abs(x) * 26.0 + y * 4.0))


@single
def hair(x: float, y: float, z: float, lock: float, g: Geometry) -> float:
    """A cap, stretched downwards, cut at the face and at the bottom, and the additional parts of some styles."""
    a = abs(x)
    from_middle = y - 0.22
    stretched = from_middle - min(max(from_middle, -g.hair_length), 0.0)
    from_chin = y + 0.30
    face = ellipsoid(
        x,
        from_chin - min(from_chin, 0.0) - g.parting * x,
        z - 0.95,
        0.60 * g.head_width,
        g.hairline + 0.30,
        0.95,
    )
    # Hair is flat at the hairline and rises from there; otherwise short hair looks like a helmet.
    rise = g.hair_rim + (1.0 - g.hair_rim) * smooth_step(0.0, 0.45, face)
    cap = ellipsoid(x, stretched, z + 0.12, 0.80 * g.head_width, 0.86, 0.87) - 0.018 - g.hair_volume * rise - lock
    cap = smooth_max(cap, -face, 0.05)
    cap = smooth_max(cap, g.hair_cut - y + 0.25 * clip(z + 0.1, -0.5, 0.6), 0.06)
    top = ellipsoid(x, y - 0.93, z - 0.42, 0.46, 0.26, 0.40) - lock + (1.0 - g.quiff) * FAR
    knot = sphere(x, y - 1.22, z + 0.10, 0.30) - lock + (1.0 - g.bun) * FAR
    tails = ellipsoid(a - 1.04, y + 0.22, z + 0.15, 0.24, 0.44, 0.24) - lock + (1.0 - g.pigtails) * FAR
    crest = smooth_max(ellipsoid(x, y - 0.42, z + 0.02, 0.13, 0.98, 0.92) - lock, 0.45 - y, 0.05)
    whole = smooth_min(smooth_min(smooth_min(cap, top, 0.10), knot, 0.04), tails, 0.05)
    return min(whole, crest + (1.0 - g.mohawk) * FAR) + (1.0 - g.hair) * FAR


@single
def hat_height(y: float, z: float) -> float:
    """Height of a point above the tilted plane of the hat's band."""
    return y + 0.12 * z - 0.62


@single
def hat(x: float, y: float, z: float, rough: float, g: Geometry) -> float:
    """A knitted cap, a band and a bobble."""
    height = hat_height(y, z)
    ribs = 0.007 * wave(x * 30.0) * smooth_step(-0.2, 0.3, z)
    cap = ellipsoid(x, y - 0.28, z + 0.10, 0.80 * g.head_width + 0.14, 0.92, 1.01) - ribs
    cap = smooth_max(cap, -height, 0.03)
    band = ellipsoid(x, 0.0, z + 0.10, 0.80 * g.head_width + 0.15, 1.0, 1.02)
    band = smooth_max(band, abs(height) - 0.11, 0.05)
    bobble = sphere(x, y - 1.27, z + 0.12, 0.17) - 0.015 * rough
    return min(min(cap, band), bobble) + (1.0 - g.hat) * FAR


@single
def rim_distance(a: float, y: float, g: Geometry) -> float:
    """Distance in the plane of a lens to its rim; `squareness` blends a circle with a rounded square."""
    ex, ey = a - g.eye_x, y - g.eye_y + 0.01
    ex2, tall = ex * ex, ey * 1.15
    tall2 = tall * tall
    square = math.sqrt(math.sqrt(ex2 * ex2 + tall2 * tall2 + 1e-9))
    circle = math.sqrt(ex2 + ey * ey + 1e-9)
    return circle + (square - circle) * g.squareness - 0.215


@single
def lens_depth(a: float, z: float, g: Geometry) -> float:
    """Distance to the plane of the lenses, which are tilted back at the sides."""
    return z - face_depth(g) - 0.17 + 0.10 * (a - g.eye_x)


@single
def frames(a: float, y: float, z: float, g: Geometry) -> float:
    """Rims, a bridge and temples."""
    rim, depth = rim_distance(a, y, g), lens_depth(a, z, g)
    rims = math.sqrt(rim * rim + depth * depth + 1e-9) - 0.026
    plane = face_depth(g) + 0.17
    bridge = capsule(
        a, y, z,
        0.0, g.eye_y + 0.06, plane + 0.05,
        g.eye_x - 0.215, g.eye_y + 0.04, plane + 0.02,
        0.022, 0.022,
    )  # fmt: skip
    temple = capsule(
        a, y, z,
        g.eye_x + 0.215, g.eye_y + 0.04, plane - 0.03,
        0.83 * g.head_width, g.eye_y + 0.06, -0.10,
        0.022, 0.022,
    )  # fmt: skip
    return min(min(rims, bridge), temple) + (1.0 - g.glasses) * FAR


@single
def dark_lenses(a: float, y: float, z: float, g: Geometry) -> float:
    """The two discs of sunglasses."""
    return max(rim_distance(a, y, g), abs(lens_depth(a, z, g)) - 0.012) + (1.0 - g.sunglasses) * FAR
