import pytest

from adjointdeis.guide import BestUnderGoal


def best_of(steps, **options):
    selection, best = BestUnderGoal(**options), None
    for k, step in enumerate(steps):
        if selection.add(*step):
            best = k
        if selection.finished:
            return best, k
    return best, None


def test_a_step_that_meets_the_goal_is_better_than_any_that_does_not():
    assert best_of([(False, 1.0), (True, 5.0), (False, 0.1), (True, 4.0), (True, 4.5)]) == (3, None)


def test_without_a_met_goal_the_lowest_cost_is_best_and_the_first_of_equal_ones():
    assert best_of([(False, 3.0), (False, 1.0), (False, 1.0), (False, 2.0)], patience=1) == (1, None)


def test_a_met_goal_ends_the_run_after_steps_without_improvement():
    steps = [(False, 9.0), (True, 4.0), (True, 3.0), (True, 3.1), (True, 3.2), (True, 1.0)]
    assert best_of(steps, patience=2) == (2, 4)


def test_a_cost_has_to_be_lower_by_a_share_to_count_as_an_improvement():
    steps = [(True, 10.0), (True, 9.9), (True, 9.8), (True, 9.7)]
    assert best_of(steps, patience=2, improvement=0.1) == (2, 2)
    assert best_of(steps, patience=2) == (3, None)


def test_a_step_that_is_enough_ends_the_run_and_is_best():
    steps = [(False, 0.5, True), (True, 1.0, False), (True, 2.0, True), (True, 0.1, True)]
    assert best_of(steps, patience=3) == (2, 2)
    selection = BestUnderGoal()
    assert [selection.add(*step) for step in steps] == [True, True, True, True]
    assert not selection.add(True, 0.05)  # lower, and not enough


@pytest.mark.parametrize("options", [{"patience": 0}, {"improvement": 1.0}, {"improvement": -0.1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match="must be"):
        BestUnderGoal(**options)
