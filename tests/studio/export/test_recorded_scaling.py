import math
from pathlib import Path

import pytest

from studio.core.gradients import compared_methods
from studio.export.recorded_scaling import Scaling, load_scaling, measure, write_scaling
from studio.models.interface import Model


@pytest.mark.slow
def test_every_method_is_measured_at_each_number_of_steps_and_read_back(model: Model, tmp_path: Path) -> None:
    points = tuple(measure(model, (4, 60)))  # more than the page's slider has
    assert [(point.method, point.steps) for point in points] == [
        (name, n) for n in (4, 60) for name in compared_methods()
    ]
    assert all(math.isfinite(point.error) and point.memory > 0 for point in points)
    found = Scaling(points, model.digest)
    for name in ("discrete", "unrolled"):
        assert max(point.error for point in found.of(name)) < 1e-4
    few, many = found.of("unrolled")
    assert many.memory > 5 * few.memory
    write_scaling(found, tmp_path)
    assert load_scaling(tmp_path) == found


def test_without_a_file_there_is_no_recording(tmp_path: Path) -> None:
    assert load_scaling(tmp_path) is None
