from benchmarks.morphing.plan import EFFICIENT, EXPERIMENTS, every_method, plan


def test_every_method_has_its_own_name_and_settings():
    methods = [method for methods in EXPERIMENTS.values() for method in methods]
    assert len({method.name for method in methods}) == len(methods)
    assert len({method.key for method in methods}) == len(methods)


def test_the_published_budget_is_2250_calls_when_one_face_is_counted():
    published = every_method()["AdjointDEIS-1, ODE"]
    assert (
        published.expected_calls() - 250 - published.steps == 2250
    )  # less the last sample, which the paper leaves out


def test_the_efficient_methods_have_a_fifth_of_the_published_calls():
    assert all(method.expected_calls() <= 450 for method in EFFICIENT)


def test_rounds_grow_and_in_each_the_main_methods_come_first_in_order_of_calls():
    named = every_method()
    chosen = [named[name] for name in ("AdjointDEIS-1, M = 5", "AdjointDEIS-1, ODE", "pixel average")]
    cheap, dear, ablation = "pixel average", "AdjointDEIS-1, ODE", "AdjointDEIS-1, M = 5"
    assert [(method.name, count) for method, count in plan(chosen, 15)] == [
        (cheap, 5), (dear, 5), (cheap, 10), (dear, 10), (ablation, 10), (cheap, 15), (dear, 15), (ablation, 15),
    ]  # fmt: skip
    assert [count for _, count in plan(chosen, 2)] == [2, 2, 2]
    assert [count for _, count in plan(chosen, 15, least=10)] == [10, 10, 10, 15, 15, 15]
