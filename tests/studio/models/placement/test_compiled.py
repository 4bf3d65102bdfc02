import dataclasses
from collections.abc import Iterator
from threading import Thread

import pytest
import torch
from torch import nn

from adjointdeis import HalfPrecision
from studio.models.interface import Model
from studio.models.placement.compiled import compile_denoiser, compiled_copy, denoiser_of, may_be_copied
from tests.stub import SIZE, stub

T = torch.tensor([400])


@pytest.fixture(autouse=True)
def nothing_compiled() -> Iterator[None]:
    """Compiled code and the stance are shared by the whole process."""
    yield
    torch.compiler.reset()
    torch.compiler.set_stance("default")


class Counted:
    """A backend that runs graphs as they are, and counts them."""

    def __init__(self) -> None:
        self.graphs = 0

    def __call__(self, graph: torch.fx.GraphModule, _: object) -> object:
        self.graphs += 1
        return graph.forward


def gradient(model: Model, batch: int = 1) -> torch.Tensor:
    x = torch.linspace(-1, 1, 3 * SIZE * SIZE).view(1, 3, SIZE, SIZE).repeat(batch, 1, 1, 1).requires_grad_()
    z = torch.ones(batch, 12, requires_grad=True)
    found: torch.Tensor = torch.autograd.grad(model.network(T.expand(batch), x, z).square().sum(), x)[0]
    return found


@pytest.mark.slow
def test_nothing_is_compiled_after_the_load_not_in_another_thread_and_not_for_another_shape() -> None:
    plain, model, backend = stub(), stub(), Counted()
    assert compile_denoiser(model, backend) == ""
    compiled = backend.graphs
    assert compiled > 0
    found: list[torch.Tensor] = []
    for batch in (1, 3):
        thread = Thread(target=lambda n=batch: found.append(gradient(model, n)))
        thread.start()
        thread.join()
    assert backend.graphs == compiled
    for batch, ours in zip((1, 3), found, strict=True):
        torch.testing.assert_close(ours, gradient(plain, batch))


def test_what_cannot_be_compiled_stays_eager_and_says_why() -> None:
    def broken(graph: torch.fx.GraphModule, _: object) -> object:
        raise RuntimeError("no compiler here")

    plain, model = stub(), stub()
    assert "no compiler here" in compile_denoiser(model, broken)
    assert torch.equal(gradient(model), gradient(plain))


def test_a_function_is_not_compiled() -> None:
    model = dataclasses.replace(stub(), network=lambda t, x, z: x)
    assert compile_denoiser(model) == "its denoiser is no torch module"


def test_the_denoiser_is_in_its_wrappers() -> None:
    model = stub()
    assert isinstance(model.network, nn.Module)
    wrapped = dataclasses.replace(model, network=HalfPrecision(model.network))
    assert denoiser_of(wrapped) is model.network


def test_a_copy_is_compiled_with_the_same_weights_while_the_model_stays_eager() -> None:
    model, backend = stub(), Counted()
    assert may_be_copied(model)
    copied = compiled_copy(model, backend)
    assert isinstance(copied, Model)
    compiled = backend.graphs
    assert compiled > 0
    assert isinstance(model.network, nn.Module)
    assert isinstance(copied.network, nn.Module)
    assert all(a is b for a, b in zip(model.network.parameters(), copied.network.parameters(), strict=True))
    assert model.network._compiled_call_impl is None
    assert copied.network._compiled_call_impl is not None
    torch.testing.assert_close(gradient(copied), gradient(model))
    assert backend.graphs == compiled


def test_a_copy_that_cannot_be_compiled_is_refused_with_the_reason() -> None:
    def broken(graph: torch.fx.GraphModule, _: object) -> object:
        raise RuntimeError("no compiler here")

    found = compiled_copy(stub(), broken)
    assert isinstance(found, str)
    assert "no compiler here" in found


def test_a_second_model_is_compiled_after_one_that_failed() -> None:
    def broken(graph: torch.fx.GraphModule, _: object) -> object:
        raise RuntimeError("no compiler here")

    assert compile_denoiser(stub(), broken)
    backend = Counted()
    assert compile_denoiser(stub(), backend) == ""
    assert backend.graphs > 0


def test_a_network_in_wrappers_is_not_copied() -> None:
    model = stub()
    assert isinstance(model.network, nn.Module)
    assert not may_be_copied(dataclasses.replace(model, network=HalfPrecision(model.network)))
