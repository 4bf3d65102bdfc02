"""Every pipeline of the benchmark at two steps: its own output, and the gradient of its own loop."""

import pytest

from benchmarks.pipelines import measure
from benchmarks.tiny_pipelines import MODULAR, STANDARD

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*STANDARD, *MODULAR])
def test_a_pipeline_is_its_own_sampler_and_has_the_gradient_of_its_own_loop(name):
    result = measure({**STANDARD, **MODULAR}[name], 2)
    assert result.difference < 1e-5
    assert result.gradient < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", [*STANDARD, *MODULAR])
def test_the_same_at_five_steps(name):
    result = measure({**STANDARD, **MODULAR}[name], 5)
    assert result.difference < 1e-4
    assert result.gradient < 1e-4


def test_the_table_has_as_many_classes_as_it_promises():
    assert len({name.split(",")[0] for name in STANDARD}) >= 15
    assert len(MODULAR) >= 8
