"""`Geometry`: the numbers that the distance field depends on, computed from a person and a view.

Lengths are in head units (a head is about 1.6 wide and 2.2 high); x points to the viewer's right, y up, z to
the camera. Every number is a float32, so the compiled field computes in single precision.
"""

from typing import Any, NamedTuple

import numpy as np

from clay.people.person import HAIR_STYLES, Person
from clay.people.view import EXPRESSIONS, View

# One row a hair style, in the order of HAIR_STYLES:
#        bald  buzzed short quiff bob   long  bun   afro  pigtails mohawk curly
_VOLUME = (0, 0.025, 0.095, 0.065, 0.115, 0.110, 0.055, 0.36, 0.060, 0.012, 0.20)
_LENGTH = (0, 0, 0, 0, 0.55, 1.35, 0, 0.15, 0, 0, 0.40)
_CUT = (0, -0.05, -0.14, -0.08, -0.60, -1.6, -0.25, -0.55, -0.25, -0.1, -0.55)
_HAIRLINE = (0.5, 0.50, 0.48, 0.52, 0.40, 0.46, 0.52, 0.50, 0.48, 0.55, 0.47)
_PARTING = (0, 0, 0.24, 0.1, 0.12, 0.22, 0.05, 0, 0.1, 0, 0.05)
_CURLS = (0, 0.003, 0.010, 0.012, 0.006, 0.008, 0.006, 0.045, 0.008, 0.004, 0.05)
_RIM = (1.0, 0.3, 0.15, 0.25, 0.60, 0.50, 0.30, 0.85, 0.30, 1.0, 0.8)

# One row an expression, in the order of EXPRESSIONS:
#         neutral smiling surprised sad  laughing
_CURVE = (0.015, 0.095, -0.010, -0.085, 0.100)
_GAP = (0, 0, 0.100, 0, 0.085)
_WIDER = (0, 0.22, -0.25, -0.05, 0.25)
_BROW_RAISE = (0, 0.010, 0.080, 0, 0.035)
_BROW_SLANT = (0, 0, 0, 0.070, 0)
_UPPER_LID = (0.40, 0.32, 0.75, 0.25, 0.12)
_LOWER_LID = (-0.62, -0.45, -0.75, -0.60, -0.38)


class Geometry(NamedTuple):
    """The numbers that the functions of `head`, `worn` and `scene` read."""

    r00: float
    r01: float
    r02: float
    r10: float
    r11: float
    r12: float
    r20: float
    r21: float
    r22: float
    head_width: float
    jaw_width: float
    jaw_length: float
    cheeks: float
    chin: float
    nose_length: float
    nose_width: float
    eye_x: float
    eye_y: float
    eye_radius: float
    upper_lid: float
    lower_lid: float
    gaze: float
    ear_size: float
    lip_fullness: float
    mouth_width: float
    mouth_curve: float
    mouth_gap: float
    brow_thickness: float
    brow_arch: float
    brow_height: float
    brow_raise: float
    brow_slant: float
    stubble: float
    moustache: float
    beard: float
    goatee: float
    hair: float
    hair_volume: float
    hair_rim: float
    hair_length: float
    hair_cut: float
    hairline: float
    parting: float
    curls: float
    quiff: float
    bun: float
    pigtails: float
    mohawk: float
    hat: float
    glasses: float
    sunglasses: float
    squareness: float


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """R = R_z(roll) R_x(pitch) R_y(yaw), (3, 3): head coordinates to world coordinates."""
    cy, sy, cp, sp, cr, sr = (f(v) for v in (yaw, pitch, roll) for f in (np.cos, np.sin))
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    around_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(around_z @ around_x @ around_y)


def _head(person: Person) -> dict[str, float]:
    p = person
    return {
        "head_width": 1 + 0.12 * p.head_width,
        "jaw_width": 1 + 0.21 * p.jaw_width,
        "jaw_length": 1 + 0.15 * p.jaw_length,
        "cheeks": 1 + 0.26 * p.cheeks,
        "chin": 1 + 0.35 * p.chin,
        "nose_length": 0.10 + 0.07 * p.nose_length,
        "nose_width": 1.05 + 0.35 * p.nose_width,
        "eye_x": 0.315 + 0.042 * p.eye_spacing,
        "eye_y": 0.07 + 0.05 * p.eye_height,
        "eye_radius": 0.196 + 0.032 * p.eye_size,
        "ear_size": 1 + 0.25 * p.ear_size,
        "lip_fullness": 1 + 0.4 * p.lip_fullness,
        "brow_thickness": 0.048 + 0.024 * p.brow_thickness,
        "brow_arch": 0.04 + 0.05 * p.brow_arch,
        "brow_height": 0.31 + 0.035 * p.brow_height,
    }


def _expression(person: Person, view: View) -> dict[str, float]:
    kind, strength = EXPRESSIONS.index(view.expression), view.strength
    return {
        "mouth_width": (0.29 + 0.05 * person.mouth_width) * (1 + strength * _WIDER[kind]),
        "mouth_curve": strength * _CURVE[kind],
        "mouth_gap": strength * _GAP[kind],
        "brow_raise": strength * _BROW_RAISE[kind],
        "brow_slant": strength * _BROW_SLANT[kind],
        "upper_lid": _UPPER_LID[kind] * (0.8 + 0.2 * strength) + 0.18,
        "lower_lid": _LOWER_LID[kind] - 0.10,
        "gaze": view.gaze,
    }


def _hair(person: Person, hat: bool) -> dict[str, float]:
    style, vary = HAIR_STYLES.index(person.hair_style), 1 + 0.2 * person.hair_shade
    volume = _VOLUME[style] * vary
    return {
        "hair": float(person.hair_style != "bald"),
        # A hat flattens the hair, and hides what is on top of the head.
        "hair_volume": min(volume, 0.09) if hat else volume,
        "hair_rim": _RIM[style],
        "hair_length": _LENGTH[style] * vary,
        "hair_cut": _CUT[style] - 0.08 * person.hair_shade,
        "hairline": _HAIRLINE[style] + 0.09 * person.hairline,
        "parting": _PARTING[style] * person.parting,
        "curls": _CURLS[style],
        "quiff": float(person.hair_style == "quiff" and not hat),
        "bun": float(person.hair_style == "bun" and not hat),
        "pigtails": float(person.hair_style == "pigtails"),
        "mohawk": float(person.hair_style == "mohawk" and not hat),
        "stubble": float(person.facial_hair == "stubble"),
        "moustache": {"moustache": 1.0, "beard": 1.0, "goatee": 0.7}.get(person.facial_hair, 0.0),
        "beard": float(person.facial_hair == "beard"),
        "goatee": float(person.facial_hair == "goatee"),
    }


def geometry(person: Person, view: View) -> Geometry:
    """The geometry of one scene; float32 numbers."""
    turn = rotation(view.yaw, view.pitch, view.roll)
    values = {f"r{i}{j}": float(turn[i, j]) for i in range(3) for j in range(3)}
    values |= _head(person) | _expression(person, view) | _hair(person, view.hat)
    values["hat"] = float(view.hat)
    values["glasses"] = float(view.glasses != "none")
    values["sunglasses"] = float(view.glasses == "sunglasses")
    values["squareness"] = view.squareness
    # Annotated as float; numba compiles by the actual type.
    singles: dict[str, Any] = {name: np.float32(value) for name, value in values.items()}
    return Geometry(**singles)
