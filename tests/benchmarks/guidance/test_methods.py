from benchmarks.guidance.methods import BUDGET, METHODS


def test_all_methods_have_the_same_network_calls_and_different_names():
    assert {method.calls for method in METHODS} == {BUDGET}
    assert len({method.name for method in METHODS}) == len(METHODS)
