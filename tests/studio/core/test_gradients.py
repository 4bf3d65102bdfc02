import pytest

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Precomputed, Unrolled
from studio.core.errors import UserError
from studio.core.gradients import DEFAULT, GRADIENTS, calls_to_update, gradient_method, graphs_kept
from studio.core.registry import choose
from studio.core.settings import Settings, choices, parse


def test_each_name_is_its_method() -> None:
    methods = {
        "discrete": DiscreteAdjoint(graphs=3),
        "adjoint_1": ContinuousAdjoint(order=1),
        "adjoint_2": ContinuousAdjoint(order=2),
        "unrolled": Unrolled(),
        "adjoint_1_m5": ContinuousAdjoint(order=1, steps=5),
        "adjoint_1_resolved": ContinuousAdjoint(order=1, trajectory="resolved"),
    }
    assert {name: gradient_method(Settings(gradient=name), graphs=3) for name in methods} == methods


def test_what_the_network_makes_of_z_is_made_once_where_it_makes_something() -> None:
    assert isinstance(gradient_method(Settings(), prepare=lambda z: z), Precomputed)


def test_the_default_is_that_of_the_settings() -> None:
    assert Settings().gradient == DEFAULT.name
    assert choices("gradient") == tuple(GRADIENTS)


def test_graphs_that_are_kept_spare_network_calls() -> None:
    kept = {"discrete": 8, "adjoint_1": 0, "adjoint_2": 0, "unrolled": 20}
    assert {name: graphs_kept(name, 20, 8) for name in kept} == kept
    assert graphs_kept("discrete", 5, 8) == 5
    assert {name: calls_to_update(name, 20, 8) for name in kept} == {name: 40 - kept[name] for name in kept}


def test_curves_differ_by_dash_and_by_colour() -> None:
    methods = GRADIENTS.values()
    for looks in zip(*((one.dash, one.colour, one.dark_colour or one.colour) for one in methods), strict=True):
        assert len(set(looks)) == len(methods)


def test_an_unknown_method_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UserError) as error:
        gradient_method(Settings.model_construct(gradient="exact"))
    assert str(error.value) == f"There is no gradient method 'exact': {choose(GRADIENTS)}."
    with pytest.raises(UserError) as error:
        parse({"gradient": "exact"})
    assert str(error.value) == f"Gradient method: {choose(GRADIENTS)}, but it is exact."
    assert choose(GRADIENTS).startswith("choose 'discrete', 'adjoint_1', 'adjoint_2'")
