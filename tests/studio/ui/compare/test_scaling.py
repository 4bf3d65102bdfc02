"""The chart of gradient error and memory against N."""

import itertools
import re

from adjointdeis import Audit
from studio.core.gradients import GRADIENTS
from studio.export.recorded_scaling import STEPS, Point, Scaling, load_scaling, point_of
from studio.runs.compare import Column
from studio.ui.compare.scaling import HEIGHT, WIDTH, scaling_chart

MIB = 2**20


def recorded() -> Scaling:
    """Memory of 2 N MiB for plain autograd, 10 MiB for the others; one method is exact from N = 20 on."""
    points = [
        Point(
            name,
            n,
            0.0 if name in ("discrete", "unrolled") else 100 / n**2,
            (2 * n if name == "unrolled" else 10) * MIB,
        )
        for name in GRADIENTS
        for n in STEPS
    ]
    return Scaling(tuple(points), "0" * 64)


def column(method: str, error: float, memory: int) -> Column:
    found = Audit({"x_T": 1.0}, {"x_T": 1.0 + error}, 0.1, (), {}, {})
    return Column(method, found=found, memory=memory)


def test_more_steps_are_further_right_and_more_memory_is_higher() -> None:
    _, memory = scaling_chart(recorded(), (), 0).split("<figure>")[1:]
    found = re.search(r'class="unrolled" [^>]*points="([\d. ,-]+)"', memory)
    assert found is not None
    points = [tuple(map(float, pair.split(","))) for pair in found[1].split()]
    assert len(points) == len(STEPS)
    assert all(a[0] < b[0] and a[1] > b[1] for a, b in itertools.pairwise(points))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_the_memory_of_a_thousand_steps_is_extrapolated() -> None:
    assert "plain autograd would need about 2.0 GiB, the discrete adjoint 10 MiB" in scaling_chart(recorded(), (), 0)


def test_this_run_is_a_dot_in_each_chart_on_its_line() -> None:
    assert "<circle" not in scaling_chart(recorded(), [Column("discrete")], 20)
    shown = scaling_chart(recorded(), [column("unrolled", 0.0, 40 * MIB)], 20)
    assert shown.count("<circle") == 2
    dot = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', shown)[1]
    assert ",".join(dot) in shown.split("<figure>")[2].split("<circle")[0]


def test_a_gradient_that_overflows_stays_in_the_chart() -> None:
    shown = scaling_chart(recorded(), [column("adjoint_2", 1e30, 1)], 5)
    assert all(0 <= float(y) <= HEIGHT for y in re.findall(r'cy="([-\d.]+)"', shown))


def test_without_a_recording_there_is_no_chart() -> None:
    assert scaling_chart(None, [column("discrete", 0.0, 1)], 5) == ""


def test_the_recording_shows_exact_methods_and_constant_memory() -> None:
    found = load_scaling()
    assert found is not None
    for name in ("discrete", "unrolled"):
        assert max(point.error for point in found.of(name)) < 1e-4
    discrete, plain = found.of("discrete"), found.of("unrolled")
    assert [point.steps for point in discrete] == list(STEPS)
    assert discrete[-1].memory < 2 * discrete[0].memory
    assert plain[-1].memory > 10 * plain[0].memory


def test_an_unfinished_method_has_no_point() -> None:
    assert point_of(Column("discrete"), 5) is None
