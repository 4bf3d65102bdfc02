import numpy as np
import pytest

from clay.rendering.compiled import single, single_loop

pytestmark = pytest.mark.slow  # compiles


@single
def third(x: float) -> float:
    """x / 3 with a literal that would be a double without `single`."""
    return x / 3.0


@single_loop
def thirds(values: np.ndarray, out: np.ndarray) -> None:
    for i in range(out.shape[0]):
        out[i] = third(values[i])


def test_literals_are_single_precision():
    # In double precision 1 + 1e-9 would differ from 1.
    @single
    def lost(x: float) -> float:
        return (x + 1e-9) * 1.0

    assert lost(np.float32(1.0)) == np.float32(1.0)


def test_loops_call_formulas():
    values = np.arange(8, dtype=np.float32)
    out = np.empty_like(values)
    thirds(values, out)
    assert np.allclose(out, values / 3)


def test_names_and_docstrings_are_kept():
    assert third.__doc__.startswith("x / 3")
    assert thirds.__name__ == "thirds"
