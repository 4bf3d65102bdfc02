import pytest

from adjointdeis import Audit
from studio.runs.measures.gradient_error import gradient_errors, relative_error


@pytest.mark.parametrize(("cosine", "ratio", "error"), [(1, 1, 0), (1, 1.05, 0.05), (-1, 1, 2), (0, 2000, 2000)])
def test_the_relative_error_follows_from_angle_and_lengths(cosine: float, ratio: float, error: float) -> None:
    assert relative_error(cosine, ratio) == pytest.approx(error, rel=1e-6)


def test_every_variable_of_an_audit_has_an_error() -> None:
    found = Audit({"z": 1.0, "x_T": -1.0}, {"z": 1.0, "x_T": 1.0}, 0.5, (), {}, {})
    assert gradient_errors(found) == {"z": 0.0, "x_T": 2.0}
