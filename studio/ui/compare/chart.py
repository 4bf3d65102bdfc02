"""Loss curves as one SVG: one line per method, distinguished by colour and by dashes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from studio.core.gradients import GRADIENTS
from studio.runs.compare import Column

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 10, 34


def chart(columns: Sequence[Column], steps: int) -> str:
    """The curves so far on an axis of `steps` updates; an empty frame before there are any."""
    values = [point.total for column in columns for point in column.curve if math.isfinite(point.total)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.5
    low, high = low - room, high + room

    def place(step: float, value: float) -> tuple[float, float]:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * step / max(steps, 1)
        return x, _TOP + (HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    lines = "".join(
        f'<polyline {stroke(column.method)} points="'
        + " ".join("{:.1f},{:.1f}".format(*place(point.step, point.total)) for point in column.curve)
        + '"/>'
        for column in columns
        if column.curve
    )
    grid = "".join(_level(value, *place(0, value)) for value in _round_values(low, high)) if values else ""
    axis = f'<text x="{_LEFT}" y="{HEIGHT - 14}">0</text>'
    axis += f'<text x="{WIDTH - _RIGHT}" y="{HEIGHT - 14}" text-anchor="end">{steps}</text>'
    axis += f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">update</text>'
    label = _alternative_text(columns)
    frame = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{grid}{axis}{lines}</svg>'
    return (
        f'<div class="chart"><h4>Loss, lower is better</h4>{frame}{legend([column.method for column in columns])}</div>'
    )


def stroke(method: str) -> str:
    """Attributes of a line of this method; the style sheet chooses between its two colours."""
    one = GRADIENTS[method]
    style = f"--stroke:{one.colour};--dark-stroke:{one.dark_colour or one.colour}"
    return f'class="{method}" style="{style}" stroke-dasharray="{one.dash}"'


def legend(methods: Sequence[str]) -> str:
    """A key for each method."""
    keys = "".join(
        f'<li><svg viewBox="0 0 34 8" aria-hidden="true"><polyline {stroke(method)} '
        f'points="0,4 34,4"/></svg>{escape(GRADIENTS[method].label)}</li>'
        for method in methods
    )
    return f"<ul>{keys}</ul>"


def _level(value: float, x: float, y: float) -> str:
    line = f'<line x1="{x:.0f}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text x="{x - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'


def _round_values(low: float, high: float) -> list[float]:
    """Two to six round numbers between the two: multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    return [round(k * step, 10) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _alternative_text(columns: Sequence[Column]) -> str:
    ends = [f"{GRADIENTS[c.method].label} {c.curve[-1].total:.3f}" for c in columns if c.curve]
    return escape("Loss curves; now: " + ", ".join(ends) if ends else "No loss curves yet")
