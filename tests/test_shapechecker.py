"""The tests run with checked annotations in adjointdeis."""

import jaxtyping
import pytest
import torch
from beartype.roar import BeartypeCallHintViolation

from adjointdeis.schedule import LinearVP
from adjointdeis.shapes import Noises, State
from tests.shapechecker import check, jaxtyped


@jaxtyped(typechecker=check)
def add(x: State, noises: Noises) -> State:
    return x[:1] if len(noises) == 1 else x + noises[0]


def test_shapes_of_arguments_and_result_are_compared(monkeypatch):
    x = torch.zeros(2, 3, 4, 4)
    assert add(x, torch.zeros(5, 2, 3, 4, 4)).shape == x.shape
    for wrong in (torch.zeros(5, 2, 3, 4, 5), torch.zeros(5, 1, 3, 4, 4), torch.zeros(1, 2, 3, 4, 4)):
        with pytest.raises(BeartypeCallHintViolation):
            add(x, wrong)
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert add(x, torch.zeros(1, 2, 3, 4, 4)).shape == (1, 3, 4, 4)


def test_functions_of_the_library_are_checked():
    with pytest.raises(BeartypeCallHintViolation):
        LinearVP().alpha("noon")


@torch.no_grad()
@jaxtyped(typechecker=check)
def doubled(x: State):
    yield 2 * x


def test_without_a_gradient_a_generator_has_none():
    assert not next(doubled(torch.zeros(2, 3, 4, 4, requires_grad=True))).requires_grad
    with pytest.raises(jaxtyping.TypeCheckError):
        next(doubled("noon"))
