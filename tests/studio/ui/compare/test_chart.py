import re

from studio.runs.compare import Column
from studio.runs.events import CurvePoint
from studio.ui.compare.chart import HEIGHT, WIDTH, chart


def column(method: str, *losses: float) -> Column:
    return Column(method, curve=tuple(CurvePoint(i, loss, {}, {}) for i, loss in enumerate(losses)))  # type: ignore[arg-type]


def points(shown: str, method: str) -> list[tuple[float, float]]:
    found = re.search(rf'class="{method}" [^>]*points="([\d. ,-]+)"', shown.split("<ul>")[0])
    assert found is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found[1].split())]


def test_a_lower_loss_is_lower_and_a_later_step_further_right() -> None:
    (x0, y0), (x1, y1), (x2, y2) = points(chart([column("discrete", 3.0, 2.0, 2.5)], 2), "discrete")
    assert x0 < x1 < x2
    assert y0 < y2 < y1


def test_every_curve_stays_inside_the_frame() -> None:
    shown = chart([column("discrete", 1e-3, 2e-3), column("unrolled", 900.0, -4.0)], 1)
    for method in ("discrete", "unrolled"):
        for x, y in points(shown, method):
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT


def test_half_a_run_takes_half_the_width() -> None:
    (x0, _), (x1, _) = points(chart([column("discrete", 2.0, 1.0)], 2), "discrete")
    (_, _), (_, _), (x2, _) = points(chart([column("discrete", 2.0, 1.0, 0.5)], 2), "discrete")
    assert x1 - x0 == x2 - x1


def test_levels_are_round_numbers() -> None:
    shown = chart([column("discrete", 0.547, 1.177)], 1)
    levels = [float(value) for value in re.findall(r'text-anchor="end">([\d.]+)</text>', shown.split("</svg>")[0])]
    assert 0.6 in levels
    assert 2 <= len(levels) <= 7


def test_a_flat_curve_and_no_curve_are_no_trouble() -> None:
    assert len(points(chart([column("discrete", 1.0, 1.0)], 1), "discrete")) == 2
    assert "No loss curves yet" in chart([column("discrete")], 5)


def test_methods_differ_by_dashes_too() -> None:
    shown = chart([column(m, 1.0, 0.5) for m in ("discrete", "adjoint_1", "adjoint_2", "unrolled")], 1)
    assert len(set(re.findall(r'stroke-dasharray="([^"]*)"', shown.split("<ul>")[0]))) == 4


def test_a_screen_reader_hears_where_each_curve_is() -> None:
    assert 'aria-label="Loss curves; now: Discrete adjoint 0.500"' in chart([column("discrete", 1.0, 0.5)], 1)
