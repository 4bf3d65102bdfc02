"""The rendered images from which `clay.training.likeness` trains: faces whose colours vary as those of photographs do.

Clothes, hat and background have any colour; skin and hair vary around the colours of their class. Each image comes with
its segments, the centres of its eyes and its scene.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from clay.people.dataset import Scene, scene
from clay.people.person import Person
from clay.people.view import View
from clay.rendering.geometry import geometry, rotation
from clay.rendering.head import face_depth
from clay.rendering.paint import BACKGROUND, CLOTHES, FACIAL_HAIR, HAIR, HAT, IRIS, LIPS, SKIN, paint
from clay.rendering.render import project, render
from clay.rendering.segments import segments

SIZE = 128


@dataclass(frozen=True)
class LikenessSet:
    """n images.

    Args:
        images: (n, size, size, 3) uint8.
        segments: (n, size, size) uint8, indices in `clay.rendering.segments.SEGMENTS`.
        eyes: (n, 2, 2) float32, centres of the eyes in pixels.
        scenes: n persons and views.
    """

    images: np.ndarray
    segments: np.ndarray
    eyes: np.ndarray
    scenes: list[Scene]


def varied_colours(person: Person, view: View, rng: np.random.Generator) -> np.ndarray:
    """The table of `paint` with random colours, (9, 3) float32."""
    table = paint(person, view).astype(np.float64)
    for row in (CLOTHES, HAT, BACKGROUND):
        table[row] = rng.uniform(0.02, 1.0) * rng.uniform(0.3, 1.0, 3)
    grey = table[SKIN].mean()
    table[[SKIN, LIPS]] = grey + (table[[SKIN, LIPS]] - grey) * rng.uniform(0.6, 1.1)
    table[[SKIN, LIPS]] *= rng.lognormal(0.0, 0.12) * rng.lognormal(0.0, 0.04, 3)
    if rng.random() < 0.5:  # lips of the skin's colour, as in many photographs
        table[LIPS] = table[SKIN] * (0.85, 0.7, 0.7)
    change = rng.lognormal(0.0, 0.25) * rng.lognormal(0.0, 0.08, 3)
    table[[HAIR, FACIAL_HAIR]] *= change
    table[IRIS] *= rng.lognormal(-0.2, 0.4)
    table[: LIPS + 1] = np.clip(table[: LIPS + 1], 0.002, 1.0)
    return table.astype(np.float32)


def eye_centres(person: Person, view: View, size: int) -> np.ndarray:
    """The centres of the eyes in the image, in pixels, (2, 2) float32; the eye at the left first."""
    g = geometry(person, view)
    depth = float(face_depth(g)) + 0.05
    turn = rotation(view.yaw, view.pitch, view.roll)
    eyes = np.array([[-g.eye_x, g.eye_y, depth], [g.eye_x, g.eye_y, depth]]) @ turn.T
    return project(eyes, size)


def render_set(numbers: Iterable[tuple[int, int]], size: int = SIZE, seed: int = 7, varied: bool = True) -> LikenessSet:
    """The images of the numbered scenes of `clay.people.dataset`, with varied colours or with their own."""
    images, marks, eyes, scenes = [], [], [], []
    for number in numbers:
        person, view = scene(*number)
        colours = varied_colours(person, view, np.random.default_rng((seed, *number))) if varied else None
        images.append(render(person, view, size, 1, colours))
        marks.append(segments(person, view, size))
        eyes.append(eye_centres(person, view, size))
        scenes.append((person, view))
    return LikenessSet(np.stack(images), np.stack(marks), np.stack(eyes), scenes)
