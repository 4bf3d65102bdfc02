import pytest

from adjointdeis import ClassifierFreeGuidance, CountedModel, LinearVP, Sampler, Unrolled, sample
from tests.truth import Tangle, normal, squared_distance

ODE = Sampler.from_grid(LinearVP().uniform_log_snr(5))


def test_every_call_of_the_network_is_counted():
    counted = CountedModel(Tangle(2, 4))
    list(sample(counted, ODE, normal(2, 2, 3, 3), normal(2, 4)))
    assert counted.calls == ODE.steps
    # guidance makes one call of a batch twice as large
    list(sample(ClassifierFreeGuidance(counted, 2.0, normal(1, 4)), ODE, normal(2, 2, 3, 3), normal(2, 4)))
    assert counted.calls == 2 * ODE.steps


class Stopped(Exception):
    pass


def test_what_is_raised_before_a_call_ends_the_pass_and_is_not_counted():
    def stop_after_two():
        if counted.calls == 2:
            raise Stopped

    counted = CountedModel(Tangle(2, 4), before=stop_after_two)
    with pytest.raises(Stopped):
        Unrolled().value_and_grad(counted, ODE, normal(2, 2, 3, 3), normal(2, 4), squared_distance(normal(2, 2, 3, 3)))
    assert counted.calls == 2


def test_parameters_are_those_of_the_network():
    network = Tangle(2, 4)
    found = Unrolled().value_and_grad(
        CountedModel(network), ODE, normal(1, 2, 3, 3), normal(1, 4), lambda x: x.flatten(1).sum(1), wrt=("theta",)
    )
    assert set(found.grads["theta"]) == dict(network.named_parameters()).keys()
