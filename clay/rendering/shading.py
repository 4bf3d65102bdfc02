"""The colour of one surface point: material, wrapped key light, sky, fill, rim light and highlight."""

import math

import numpy as np

from clay.rendering.compiled import single
from clay.rendering.paint import BACKGROUND, CLOTHES, FACIAL_HAIR, HAIR, HAT, IRIS, LIGHT, LIPS, SKIN
from clay.rendering.primitives import bump, clip, mix, smooth_step, wave
from clay.rendering.scene import Surface

# The materials, in the order of a surface's distances.
IS_SKIN, IS_EYE, IS_CLOTHES, IS_HAIR, IS_HAT, IS_FRAMES, IS_LENSES = range(7)


@single
def material(s: Surface) -> int:
    """The nearest material."""
    best, kind = s.skin, IS_SKIN
    if s.eye < best:
        best, kind = s.eye, IS_EYE
    if s.clothes < best:
        best, kind = s.clothes, IS_CLOTHES
    if s.hair < best:
        best, kind = s.hair, IS_HAIR
    if s.hat < best:
        best, kind = s.hat, IS_HAT
    if s.frames < best:
        best, kind = s.frames, IS_FRAMES
    if s.lenses < best:
        kind = IS_LENSES
    return kind


@single
def face_channel(base: float, lip: float, hair: float, channel: int, s: Surface) -> float:
    """Albedo of the face: skin, then blush, ears, lips, mouth, teeth, brows, stubble, beard and lashes over it."""
    flush = 1.05 if channel == 0 else (0.70 if channel == 1 else 0.66)
    warm = 1.0 if channel == 0 else (0.75 if channel == 1 else 0.70)
    colour = mix(base, base * flush, 0.75 * s.blush)
    colour = mix(colour, colour * warm, 0.4 * smooth_step(0.03, 0.0, s.ear - s.skin))
    colour = mix(colour, lip, smooth_step(0.30, 0.55, s.lips))
    colour = mix(colour, 0.10 if channel == 0 else 0.02, s.inside)
    colour = mix(colour, 0.88 if channel == 0 else (0.86 if channel == 1 else 0.80), s.teeth)
    colour = mix(colour, hair, smooth_step(0.25, 0.70, s.brows))
    colour = mix(colour, colour * 0.35 + hair * 0.30, 0.55 * s.stubble)
    colour = mix(colour, hair, smooth_step(0.15, 0.60, s.beard))
    return mix(colour, 0.025, 0.9 * s.lash)


@single
def eye_channel(iris: float, s: Surface) -> float:
    """Albedo of the eye: white, iris with a lighter inner ring, pupil."""
    ring = mix(iris, iris * 1.9 + 0.02, 0.5 * smooth_step(0.90, 0.80, s.pupil))
    colour = mix(0.92, ring, smooth_step(0.775, 0.80, s.pupil))
    return mix(colour, 0.01, smooth_step(0.925, 0.94, s.pupil))


@single
def albedo(kind: int, channel: int, s: Surface, height: float, colours: np.ndarray) -> float:
    """Reflectance of one colour channel."""
    value: float = 0.033 if kind == IS_FRAMES else 0.022
    if kind == IS_SKIN:
        hair = colours[FACIAL_HAIR, channel]
        value = face_channel(colours[SKIN, channel], colours[LIPS, channel], hair, channel, s)
    elif kind == IS_EYE:
        value = eye_channel(colours[IRIS, channel], s)
    elif kind == IS_HAIR:
        strands = 0.10 * wave(s.along * 70.0 + 3.0 * wave(height * 9.0))
        value = colours[HAIR, channel] * (1.0 + 6.0 * clip(s.lock, -0.08, 0.08) + strands)
    elif kind == IS_CLOTHES:
        value = colours[CLOTHES, channel]
    elif kind == IS_HAT:
        value = colours[HAT, channel]
    return value


@single
def gloss(kind: int, lips: float) -> float:
    """Strength of the highlight."""
    if kind == IS_EYE:
        return 1.2
    if kind == IS_LENSES:
        return 1.0
    if kind == IS_FRAMES:
        return 0.5
    if kind == IS_HAIR:
        return 0.12
    if kind == IS_SKIN:
        return 0.35 if lips > 0.4 else 0.10
    return 0.02


@single
def sharpness(kind: int) -> float:
    """Exponent of the highlight."""
    if kind in (IS_EYE, IS_LENSES):
        return 90.0
    return 40.0 if kind == IS_FRAMES else 18.0


@single
def shade(
    ray: np.ndarray, normal: np.ndarray, open_sky: float, lit: float,
    kind: int, channel: int, reflect: float, lips: float, colours: np.ndarray,
) -> float:  # fmt: skip
    """Light from the point to the camera in one channel.

    Args:
        ray: unit vector from the camera, (3,).
        normal: unit vector, (3,).
        open_sky: 0 (occluded) to 1 (open); scales sky, fill and rim light.
        lit: 0 (in shadow) to 1 (lit by the key light).
        kind: material.
        channel: 0 red, 1 green, 2 blue.
        reflect: the material's albedo.
        lips: share of lip in the material, 0 to 1.
        colours: the scene's table of colours, (9, 3).
    """
    nx, ny, nz = normal[0], normal[1], normal[2]
    lx, ly, lz = colours[LIGHT, 0], colours[LIGHT, 1], colours[LIGHT, 2]
    facing = nx * lx + ny * ly + nz * lz
    key = max((facing + 0.25) * 0.8, 0.0) * (0.25 + 0.75 * lit) * 1.15
    # Subsurface scattering: skin is redder where light turns to shadow.
    glow = bump((facing - 0.05) * 4.0) if kind == IS_SKIN else 0.0
    key_tint = 1.0 if channel == 0 else (0.96 if channel == 1 else 0.90)
    glow_tint = 0.10 if channel == 0 else (0.025 if channel == 1 else 0.015)
    sky_tint = 0.80 if channel == 0 else (0.88 if channel == 1 else 1.0)
    back = colours[BACKGROUND, channel]
    sky = ((0.5 + 0.5 * ny) * 0.42 + 0.14) * open_sky * (0.7 * sky_tint + 0.3 * back)
    fill = max(-0.6 * lx * nx + 0.2 * ny + 0.75 * nz, 0.0) * open_sky * 0.22
    grazing = 1.0 - clip(-(nx * ray[0] + ny * ray[1] + nz * ray[2]), 0.0, 1.0)
    rim = grazing * grazing * grazing * (0.3 + 0.7 * clip(ny, 0.0, 1.0)) * open_sky * open_sky * 0.40
    hx, hy, hz = lx - ray[0], ly - ray[1], lz - ray[2]
    half = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)
    shine: float = clip(half, 0.0, 1.0) ** sharpness(kind) * gloss(kind, lips) * (0.1 + 0.9 * lit) * open_sky
    diffuse: float = reflect * (key * key_tint + glow * glow_tint + sky + fill)
    edge: float = rim * 0.5 * (reflect + back)
    return diffuse + edge + shine


@single
def backdrop(u: float, v: float, channel: int, colours: np.ndarray) -> float:
    """The background, lighter at the top and darker in the corners; u, v in [-1, 1]."""
    light: float = colours[BACKGROUND, channel] * (1.0 + 0.22 * v - 0.15 * (u * u + v * v))
    return light


@single
def exposed(light: float) -> float:
    """Exposure: a soft shoulder, then clipping to [0, 1]; linear light."""
    return clip(light / (1.0 + 0.12 * light) * 1.08, 0.0, 1.0)
