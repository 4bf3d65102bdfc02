"""Every scheduler of diffusers with every choice in its configuration: its own loop, or a sentence."""

import pytest

from adjointdeis.schedulers import SCHEDULERS
from benchmarks.schedulers import Case, cases, compare, names

pytestmark = pytest.mark.filterwarnings("ignore")


def faults(name, together):
    """What is neither equal, nor refused in a sentence, nor broken in diffusers itself."""
    results = [(case, compare(case)) for case in cases(name, together)]
    assert any(result.kind == "equal" for _, result in results)
    for case, result in results:
        if result.kind == "refused":
            assert len(result.detail) > 40, case
    return [(dict(case.config), case.steps, result.detail) for case, result in results if result.kind == "different"]


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.slow
def test_a_scheduler_with_one_choice_changed_is_its_own_loop_or_refused(name):
    assert faults(name, 1) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_with_two_choices_changed_is_its_own_loop_or_refused(name):
    assert faults(name, 2) == []


@pytest.mark.parametrize("name", [name for name in names() if name not in SCHEDULERS])
def test_every_other_scheduler_of_diffusers_is_refused_by_name(name):
    result = compare(Case(name, {}, 5))
    assert result.kind in ("refused", "broken")
    if result.kind == "refused":
        assert result.detail.startswith(f"{name} is not supported; use one of ")
