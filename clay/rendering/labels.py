"""A number at each pixel of a render: what is at the pixel's centre."""

from collections.abc import Callable

import numpy as np

from clay.people.person import Person
from clay.people.view import View
from clay.rendering.compiled import single_loop
from clay.rendering.geometry import Geometry, geometry
from clay.rendering.render import FAR, RAYS, TILE, aim, march


@single_loop
def find_points(g: Geometry, pixels: int, points: np.ndarray, seen: np.ndarray) -> None:
    """The world points of the surface at the centres of the pixels, (3, n); `seen` (n,) is 0 for the background."""
    rays = np.empty((3, RAYS), np.float32)
    found, far, gap = np.empty_like(rays), np.empty(RAYS, np.float32), np.empty(RAYS, np.float32)
    for tile in range((pixels // TILE) ** 2):
        left, top = tile % (pixels // TILE) * TILE, tile // (pixels // TILE) * TILE
        aim(left, top, pixels, rays)
        touched = march(rays, found, far, gap, g)
        for i in range(RAYS):
            at = (top + i // TILE) * pixels + left + i % TILE
            seen[at] = 1 if touched and far[i] < FAR else 0
            for axis in range(3):
                points[axis, at] = found[axis, i]


def render_labels(
    person: Person,
    view: View,
    size: int,
    label: Callable[[Geometry, np.ndarray, np.ndarray, np.ndarray], None],
) -> np.ndarray:
    """The numbers that `label(g, points, seen, out)` writes for the points of `find_points`, (size, size) uint8.

    Raises:
        ValueError: `size` is not a positive multiple of 8.
    """
    if size < 1 or size % TILE:
        raise ValueError(f"size must be a positive multiple of {TILE}, but is {size}.")
    g, n = geometry(person, view), size**2
    points, seen, out = np.empty((3, n), np.float32), np.empty(n, np.uint8), np.empty(n, np.uint8)
    find_points(g, size, points, seen)
    label(g, points, seen, out)
    return out.reshape(size, size)
