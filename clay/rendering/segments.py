"""The segments of an image: which part of the scene each pixel shows, for the training of `clay.likeness`."""

import numpy as np

from clay.people.person import Person
from clay.people.view import SEGMENTS, View
from clay.rendering.compiled import single_loop
from clay.rendering.geometry import Geometry, geometry
from clay.rendering.render import FAR, RAYS, TILE, aim, march
from clay.rendering.scene import surface
from clay.rendering.shading import IS_SKIN, material

_BACKGROUND, _BEARD = SEGMENTS.index("background"), SEGMENTS.index("beard")


@single_loop
def mark(g: Geometry, pixels: int, out: np.ndarray) -> None:
    """out (pixels, pixels) uint8: index in `SEGMENTS` of what the centre of each pixel shows."""
    rays = np.empty((3, RAYS), np.float32)
    points, far, gap = np.empty_like(rays), np.empty(RAYS, np.float32), np.empty(RAYS, np.float32)
    for tile in range((pixels // TILE) ** 2):
        left, top = tile % (pixels // TILE) * TILE, tile // (pixels // TILE) * TILE
        aim(left, top, pixels, rays)
        touched = march(rays, points, far, gap, g)
        for i in range(RAYS):
            kind = _BACKGROUND
            if touched and far[i] < FAR:
                s = surface(points[0, i], points[1, i], points[2, i], g)
                kind = material(s) + 1
                if kind == IS_SKIN + 1 and s.beard > 0.35:
                    kind = _BEARD
            out[top + i // TILE, left + i % TILE] = kind


def segments(person: Person, view: View, size: int = 128) -> np.ndarray:
    """The segments of the image that `clay.rendering.render.render` makes, (size, size) uint8.

    Raises:
        ValueError: `size` is not a positive multiple of 8.
    """
    if size < 1 or size % TILE:
        raise ValueError(f"size must be a positive multiple of {TILE}, but is {size}.")
    marks = np.empty((size, size), np.uint8)
    mark(geometry(person, view), size, marks)
    return marks
