"""Images of people: sphere tracing of the scene's distance field, in tiles of 8 x 8 rays.

Sphere tracing: J. C. Hart, "Sphere tracing" (The Visual Computer 12, 1996). The camera is at (0, 0.1, 6) and points
at the face; an image spans 2 * `_HALF` head units.
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from clay.people.dataset import Scene
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.compiled import single_loop
from clay.rendering.geometry import Geometry, geometry
from clay.rendering.paint import LIGHT, paint
from clay.rendering.primitives import smooth_step
from clay.rendering.scene import distances, surface
from clay.rendering.shading import albedo, backdrop, exposed, material, shade

TILE = 8
RAYS = TILE * TILE
_STEPS = 48
_HALF: Any = np.float32(1.34)
_MIDDLE: Any = np.float32(0.13)
_CAMERA_Y: Any = np.float32(0.10)
_CAMERA_Z: Any = np.float32(6.0)
_NEAR: Any = np.float32(4.2)
FAR: Any = np.float32(7.9)


@single_loop
def aim(left: int, top: int, pixels: int, rays: np.ndarray) -> None:
    """rays (3, 64): unit directions through the samples of the tile at (left, top)."""
    for i in range(RAYS):
        u = ((left + i % TILE) * 2.0 + 1.0) / pixels - 1.0
        v = 1.0 - ((top + i // TILE) * 2.0 + 1.0) / pixels
        x, y, z = u * _HALF, v * _HALF + _MIDDLE - _CAMERA_Y, -_CAMERA_Z
        scale = 1.0 / math.sqrt(x * x + y * y + z * z)
        rays[0, i], rays[1, i], rays[2, i] = x * scale, y * scale, z * scale


@single_loop
def march(rays: np.ndarray, points: np.ndarray, far: np.ndarray, gap: np.ndarray, g: Geometry) -> bool:
    """Trace all rays of a tile until each hits a surface or has passed the scene; True if any ray hit a surface."""
    far[:] = _NEAR
    for _ in range(_STEPS):
        for i in range(RAYS):
            points[0, i] = rays[0, i] * far[i]
            points[1, i] = rays[1, i] * far[i] + _CAMERA_Y
            points[2, i] = rays[2, i] * far[i] + _CAMERA_Z
        distances(points, gap, g)
        walking = 0
        for i in range(RAYS):
            if gap[i] > 0.0012 and far[i] < FAR:
                walking += 1
                # The field is not an exact distance; steps of 0.85 of it do not pass through thin parts.
                far[i] += 0.85 * gap[i]
        if walking == 0:
            break
    return bool(np.min(far) < FAR)


@single_loop
def offset(points: np.ndarray, x: float, y: float, z: float, moved: np.ndarray) -> None:
    """moved = points + (x, y, z)."""
    for i in range(RAYS):
        moved[0, i], moved[1, i], moved[2, i] = points[0, i] + x, points[1, i] + y, points[2, i] + z


@single_loop
def find_normals(points: np.ndarray, moved: np.ndarray, gap: np.ndarray, normals: np.ndarray, g: Geometry) -> None:
    """Unit gradients of the field from the four corners of a small tetrahedron."""
    normals[:] = 0.0
    for corner in range(4):
        sx = 1.0 if corner in (0, 3) else -1.0
        sy = 1.0 if corner in (2, 3) else -1.0
        sz = 1.0 if corner in (1, 3) else -1.0
        offset(points, sx * 0.006, sy * 0.006, sz * 0.006, moved)
        distances(moved, gap, g)
        for i in range(RAYS):
            normals[0, i] += sx * gap[i]
            normals[1, i] += sy * gap[i]
            normals[2, i] += sz * gap[i]
    for i in range(RAYS):
        x, y, z = normals[0, i], normals[1, i], normals[2, i]
        scale = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-12)
        normals[0, i], normals[1, i], normals[2, i] = x * scale, y * scale, z * scale


@single_loop
def find_open_sky(
    points: np.ndarray, normals: np.ndarray, moved: np.ndarray, gap: np.ndarray, sky: np.ndarray, g: Geometry
) -> None:
    """Ambient occlusion: how far the distance is below h at h along the normal, for three h."""
    sky[:] = 0.0
    for k in range(3):
        h = 0.07 if k == 0 else (0.18 if k == 1 else 0.40)
        weight = 3.2 if k == 0 else (1.6 if k == 1 else 0.55)
        for i in range(RAYS):
            for axis in range(3):
                moved[axis, i] = points[axis, i] + normals[axis, i] * h
        distances(moved, gap, g)
        for i in range(RAYS):
            sky[i] += max(h - gap[i], 0.0) * weight
    for i in range(RAYS):
        sky[i] = min(max(1.0 - 0.75 * sky[i], 0.15), 1.0)


@single_loop
def find_lit(
    points: np.ndarray, normals: np.ndarray, colours: np.ndarray,
    moved: np.ndarray, gap: np.ndarray, lit: np.ndarray, g: Geometry,
) -> None:  # fmt: skip
    """Soft shadow: the smallest ratio of field to distance along the ray to the light, at six distances."""
    lit[:] = 1.0
    for k in range(6):
        h = 0.06 + 0.056 * k + 0.0112 * k * k
        for i in range(RAYS):
            for axis in range(3):
                moved[axis, i] = points[axis, i] + normals[axis, i] * 0.03 + colours[LIGHT, axis] * h
        distances(moved, gap, g)
        for i in range(RAYS):
            lit[i] = min(lit[i], 0.5 + 3.0 * gap[i] / h)
    for i in range(RAYS):
        lit[i] = smooth_step(0.0, 1.0, lit[i])


@single_loop
def draw(g: Geometry, colours: np.ndarray, pixels: int, out: np.ndarray) -> None:
    """out (pixels, pixels, 3) float32: linear light in [0, 1], one sample per pixel."""
    rays = np.empty((3, RAYS), np.float32)
    points, moved, normals = np.empty_like(rays), np.empty_like(rays), np.empty_like(rays)
    far, gap = np.empty(RAYS, np.float32), np.empty(RAYS, np.float32)
    sky, lit = np.empty(RAYS, np.float32), np.empty(RAYS, np.float32)
    for tile in range((pixels // TILE) ** 2):
        left, top = tile % (pixels // TILE) * TILE, tile // (pixels // TILE) * TILE
        aim(left, top, pixels, rays)
        touched = march(rays, points, far, gap, g)
        if touched:
            find_normals(points, moved, gap, normals, g)
            find_open_sky(points, normals, moved, gap, sky, g)
            find_lit(points, normals, colours, moved, gap, lit, g)
        for i in range(RAYS):
            column, row = left + i % TILE, top + i // TILE
            if touched and far[i] < FAR:
                s = surface(points[0, i], points[1, i], points[2, i], g)
                kind = material(s)
                for channel in range(3):
                    reflect = albedo(kind, channel, s, points[1, i], colours)
                    light = shade(rays[:, i], normals[:, i], sky[i], lit[i], kind, channel, reflect, s.lips, colours)
                    out[row, column, channel] = exposed(light)
            else:
                u = (column * 2.0 + 1.0) / pixels - 1.0
                v = 1.0 - (row * 2.0 + 1.0) / pixels
                for channel in range(3):
                    out[row, column, channel] = exposed(backdrop(u, v, channel, colours))


def render(
    person: Person, view: View, size: int = 64, samples: int = 2, colours: np.ndarray | None = None
) -> np.ndarray:
    """One image, (size, size, 3) uint8 sRGB, the mean of samples x samples rays per pixel.

    Args:
        person: the identity.
        view: the view of it; the same person and view always give the same image.
        size: side in pixels; `size * samples` must be a multiple of 8.
        samples: rays per pixel along each axis, at least 1.
        colours: table as of `paint`, (9, 3) float32, instead of that of the person and the view.

    Raises:
        ValueError: `size * samples` is not a positive multiple of 8.
    """
    if size < 1 or samples < 1 or size * samples % TILE:
        raise ValueError(f"size * samples must be a positive multiple of {TILE}, but is {size} * {samples}.")
    fine = np.empty((size * samples, size * samples, 3), np.float32)
    table = paint(person, view) if colours is None else colours
    draw(geometry(person, view), table, size * samples, fine)
    mean = fine.reshape(size, samples, size, samples, 3).mean((1, 3))
    return np.asarray(np.clip(mean, 0, 1) ** (1 / 2.2) * 255 + 0.5, dtype=np.uint8)


def project(points: np.ndarray, size: int) -> np.ndarray:
    """World points (n, 3) -> where an image of `size` pixels shows them, (n, 2) float32, x before y, in pixels."""
    scale = _CAMERA_Z / (_CAMERA_Z - points[:, 2])
    u = points[:, 0] * scale / _HALF
    v = ((points[:, 1] - _CAMERA_Y) * scale + _CAMERA_Y - _MIDDLE) / _HALF
    return np.asarray(np.stack([(u + 1) / 2, (1 - v) / 2], axis=1) * size - 0.5, dtype=np.float32)


def render_all(scenes: Sequence[Scene], size: int = 64, samples: int = 2, threads: int = 1) -> np.ndarray:
    """Images of n scenes, (n, size, size, 3) uint8 sRGB, rendered on `threads` threads."""
    one = partial(render, size=size, samples=samples)
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(lambda scene: one(*scene), scenes)))
