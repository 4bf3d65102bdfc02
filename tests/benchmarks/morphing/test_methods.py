import json
from dataclasses import replace

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Reversible, SubgridAdjoint
from benchmarks.morphing.methods import Method
from benchmarks.morphing.plan import every_method
from clay.networks.scheduler import make_scheduler


def test_settings_are_equal_in_json_and_determine_the_key():
    method = every_method()["AdjointDEIS-1, ODE"]
    assert json.loads(json.dumps(method.settings())) == method.settings()
    assert replace(method, name="another").key == method.key
    assert replace(method, rates={"x_T": 0.2, "z": 0.1}).key != method.key


def test_gradient_methods_are_those_of_their_names():
    assert Method("").gradient_method() == DiscreteAdjoint()
    assert Method("", gradient="adjoint_1", adjoint_steps=5).gradient_method() == ContinuousAdjoint(order=1, steps=5)
    assert Method("", gradient="adjoint_2").gradient_method() == ContinuousAdjoint(order=2)
    resolved = ContinuousAdjoint(order=1, trajectory="resolved")
    assert Method("", gradient="resolved_1").gradient_method() == resolved
    assert Method("", gradient="subgrid", adjoint_steps=5).gradient_method() == SubgridAdjoint(5)
    assert isinstance(Method("", gradient="reversible").gradient_method(), Reversible)


def test_an_sde_ends_where_it_can_be_encoded():
    ode, sde = (Method("", sde=flag, steps=8).sampler(make_scheduler()) for flag in (False, True))
    assert ode.grid.sigma[-1] == 0 < sde.grid.sigma[-1]
    assert (ode.steps, sde.sde) == (8, True)
