"""Gradient error and peak memory against the number of sampling steps N, as two SVGs on logarithmic axes.

Lines are the recorded measurements; a large dot is the gradient that this run has measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from studio.core.gradients import GRADIENTS
from studio.export.recorded_scaling import Point, Scaling, point_of
from studio.runs.compare import Column
from studio.runs.measures.gradient_error import EXACT
from studio.ui.compare.chart import legend, stroke

WIDTH, HEIGHT = 350, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 10, 12, 34
_TICKS = (5, 10, 20, 50, 100)
_MANY = 1000
_ERRORS = ((EXACT, "exact"), (1.0, "100 %"), (100.0, "10,000 %"))
_SIZES = ((10.0, "10 MiB"), (100.0, "100 MiB"), (1024.0, "1 GiB"))
Place = Callable[[float, float], tuple[float, float]]


def scaling_chart(recorded: Scaling | None, columns: Sequence[Column], steps: int) -> str:
    """Both charts with a sentence; "" without a recording.

    Args:
        recorded: the lines.
        columns: of this run, for the dots.
        steps: its N.
    """
    if recorded is None:
        return ""
    live = [point for column in columns if (point := point_of(column, steps)) is not None]
    methods = [name for name in GRADIENTS if recorded.of(name)]
    charts = (
        _chart("Gradient error", recorded, methods, live, _error, _ERRORS),
        _chart("Peak memory", recorded, methods, live, _memory, _SIZES),
    )
    sentence = f'<p class="hint">{escape(_sentence(recorded))}</p>'
    return f'<div class="chart scaling">{sentence}<div>{"".join(charts)}</div>{legend(methods)}</div>'


def _error(point: Point) -> float:
    return min(max(point.error, EXACT), 1e4)


def _memory(point: Point) -> float:
    return point.memory / 2**20


def _chart(
    title: str,
    recorded: Scaling,
    methods: Sequence[str],
    live: Sequence[Point],
    value: Callable[[Point], float],
    levels: Sequence[tuple[float, str]],
) -> str:
    values = [value(point) for point in (*recorded.points, *live)]
    place = _scale(min(values), max(values), max(point.steps for point in (*recorded.points, *live)))
    grid = "".join(_level(*place(1, height), label) for height, label in levels if height <= max(values))
    ticks = "".join(f'<text x="{place(n, 1)[0]:.0f}" y="{HEIGHT - 20}" text-anchor="middle">{n}</text>' for n in _TICKS)
    axis = f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 5}" text-anchor="middle">sampling steps N</text>'
    lines = "".join(_line(name, [place(one.steps, value(one)) for one in recorded.of(name)]) for name in methods)
    dots = "".join(_dot(one.method, *place(one.steps, value(one))) for one in live)
    ends = ", ".join(f"{GRADIENTS[name].label} {_said(title, recorded.of(name)[-1])}" for name in methods)
    label = escape(f"{title} by number of sampling steps; at the largest: {ends}")
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{grid}{ticks}{axis}{lines}{dots}</svg>'
    return f"<figure><h4>{title}</h4>{svg}</figure>"


def _scale(low: float, high: float, last: int) -> Place:
    """N and a value -> pixels; a tenth of the height is left above and below."""
    bottom, top = math.log10(low), math.log10(high)
    room = 0.1 * (top - bottom) or 0.5
    bottom, top = bottom - room, top + room
    first, end = math.log10(_TICKS[0]) - 0.06, math.log10(max(last, _TICKS[-1])) + 0.04

    def place(n: float, value: float) -> tuple[float, float]:
        x = _LEFT + (WIDTH - _LEFT - _RIGHT) * (math.log10(n) - first) / (end - first)
        return x, _TOP + (HEIGHT - _TOP - _BOTTOM) * (top - math.log10(value)) / (top - bottom)

    return place


def _line(method: str, points: Sequence[tuple[float, float]]) -> str:
    return f'<polyline {stroke(method)} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _dot(method: str, x: float, y: float) -> str:
    return f'<circle {stroke(method)} cx="{x:.1f}" cy="{y:.1f}" r="6"/>'


def _level(x: float, y: float, label: str) -> str:
    line = f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def _said(title: str, point: Point) -> str:
    if title == "Peak memory":
        return f"{_memory(point):,.0f} MiB"
    return "exact" if point.error <= EXACT else f"{100 * point.error:,.0f} %"


def _sentence(recorded: Scaling) -> str:
    """What the lines show, with the memory at N = 1,000 by the last two points of each exact method."""
    most, least = (_extrapolated(recorded.of(name)) for name in ("unrolled", "discrete"))
    if most is None or least is None:
        return "Lines: recorded. Dots: this run."
    return (
        f"At N = {_MANY:,} plain autograd would need about {most / 2**30:.1f} GiB, the discrete adjoint "
        f"{least / 2**20:.0f} MiB, and both are exact. AdjointDEIS needs as little, and its error falls with N. "
        "Lines: recorded with the embedded model at 128 pixels. Dots: this run."
    )


def _extrapolated(points: Sequence[Point]) -> float | None:
    if len(points) < 2:
        return None
    before, last = points[-2:]
    slope = (last.memory - before.memory) / (last.steps - before.steps)
    return last.memory + slope * (_MANY - last.steps)
