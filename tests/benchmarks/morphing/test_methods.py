import json
from dataclasses import replace

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Reversible, SubgridAdjoint
from benchmarks.morphing.methods import Method
from benchmarks.morphing.plan import EFFICIENT, EXPERIMENTS, every_method, plan
from clay.networks.scheduler import make_scheduler


def test_every_method_has_a_name_and_settings_of_its_own():
    methods = [method for methods in EXPERIMENTS.values() for method in methods]
    assert len({method.name for method in methods}) == len(methods)
    assert len({method.key for method in methods}) == len(methods)


def test_settings_survive_json_and_a_changed_one_changes_the_key():
    method = every_method()["AdjointDEIS-1, ODE"]
    assert json.loads(json.dumps(method.settings())) == method.settings()
    assert replace(method, name="another").key == method.key
    assert replace(method, rates={"x_T": 0.2, "z": 0.1}).key != method.key


def test_gradients_are_those_that_the_names_say():
    assert Method("").gradient_method() == DiscreteAdjoint()
    assert Method("", gradient="adjoint_1", adjoint_steps=5).gradient_method() == ContinuousAdjoint(order=1, steps=5)
    assert Method("", gradient="adjoint_2").gradient_method() == ContinuousAdjoint(order=2)
    resolved = ContinuousAdjoint(order=1, trajectory="resolved")
    assert Method("", gradient="resolved_1").gradient_method() == resolved
    assert Method("", gradient="subgrid", adjoint_steps=5).gradient_method() == SubgridAdjoint(5)
    assert isinstance(Method("", gradient="reversible").gradient_method(), Reversible)


def test_the_published_budget_is_2250_calls_when_one_face_is_counted():
    published = every_method()["AdjointDEIS-1, ODE"]
    assert (
        published.expected_calls() - 250 - published.steps == 2250
    )  # less the last sample, which the paper leaves out


def test_the_efficient_methods_have_a_fifth_of_it():
    assert all(method.expected_calls() <= 450 for method in EFFICIENT)


def test_an_sde_ends_where_it_can_be_encoded():
    ode, sde = (Method("", sde=flag, steps=8).sampler(make_scheduler()) for flag in (False, True))
    assert ode.grid.sigma[-1] == 0 < sde.grid.sigma[-1]
    assert (ode.steps, sde.sde) == (8, True)


def test_rounds_grow_and_the_main_methods_come_first_in_each_the_cheap_before_the_dear():
    named = every_method()
    chosen = [named[name] for name in ("AdjointDEIS-1, M = 5", "AdjointDEIS-1, ODE", "pixel average")]
    cheap, dear, ablation = "pixel average", "AdjointDEIS-1, ODE", "AdjointDEIS-1, M = 5"
    assert [(method.name, count) for method, count in plan(chosen, 15)] == [
        (cheap, 5), (dear, 5), (cheap, 10), (dear, 10), (ablation, 10), (cheap, 15), (dear, 15), (ablation, 15),
    ]  # fmt: skip
    assert [count for _, count in plan(chosen, 2)] == [2, 2, 2]
    assert [count for _, count in plan(chosen, 15, least=10)] == [10, 10, 10, 15, 15, 15]
