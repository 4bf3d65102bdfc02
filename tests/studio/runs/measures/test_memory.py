import dataclasses

import torch
from torch import Tensor, nn

from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.measures.memory import Need, need


class Squares(nn.Module):
    """x^2 twice, each of which keeps its input; and weights that are there anyway."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        return (x**2) ** 2 * self.weight


def test_one_call_is_counted_by_what_its_gradient_keeps(model: Model) -> None:
    squares = dataclasses.replace(model, network=Squares().requires_grad_(False))
    state = 3 * model.size**2 * 4
    # the input and its square; the weight is not a cost of the run
    assert need(squares) == Need(state, 2 * state)


def test_only_plain_autograd_keeps_every_call() -> None:
    found = Need(state=1, activations=1000)
    extra = {name: found.extra(Settings(gradient=name), 20) for name in ("discrete", "adjoint_2", "unrolled")}
    assert extra["discrete"] == extra["adjoint_2"] == 1000 + 9 * 20
    assert extra["unrolled"] == 20 * 1000 + 9 * 20
