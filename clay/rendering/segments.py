"""The segments of an image: which part of the scene each pixel shows, for the training of `clay.likeness`."""

import numpy as np

from clay.people.person import Person
from clay.people.view import SEGMENTS, View
from clay.rendering.compiled import single_loop
from clay.rendering.geometry import Geometry
from clay.rendering.labels import render_labels
from clay.rendering.scene import surface
from clay.rendering.shading import IS_SKIN, material

_BACKGROUND, _BEARD = SEGMENTS.index("background"), SEGMENTS.index("beard")


@single_loop
def mark(g: Geometry, points: np.ndarray, seen: np.ndarray, out: np.ndarray) -> None:
    """out (n,) uint8: index in `SEGMENTS` of what each point shows."""
    for i in range(seen.size):
        kind = _BACKGROUND
        if seen[i]:
            s = surface(points[0, i], points[1, i], points[2, i], g)
            kind = material(s) + 1
            if kind == IS_SKIN + 1 and s.beard > 0.35:
                kind = _BEARD
        out[i] = kind


def segments(person: Person, view: View, size: int = 128) -> np.ndarray:
    """The segments of the image that `clay.rendering.render.render` makes, (size, size) uint8.

    Raises:
        ValueError: `size` is not a positive multiple of 8.
    """
    return render_labels(person, view, size, mark)
