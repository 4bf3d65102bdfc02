import threading

import pytest
import torch
from torch import Tensor

from studio.runs.batch.gather import Gather


class Doubled:
    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        return 2 * x


def test_calls_of_all_images_are_made_as_one_and_each_gets_its_own_row() -> None:
    network = Doubled()
    with Gather(3) as gather:
        calls = [gather.network(network, i) for i in range(3)]
        found = gather.run([lambda i=i: float(calls[i](torch.full((1, 2), float(i))).sum()) for i in range(3)])
    assert found == [0.0, 4.0, 8.0]
    assert network.sizes == [3]


def test_a_gradient_passes_through_the_batched_call() -> None:
    x = torch.arange(3.0).view(3, 1).requires_grad_()
    with Gather(3) as gather:
        square = [gather.network(torch.square, i) for i in range(3)]
        found = gather.run([lambda i=i: (i + 1) * square[i](x[i : i + 1]) for i in range(3)])
    (grad,) = torch.autograd.grad(torch.cat(found).sum(), x)
    assert grad.flatten().tolist() == [0.0, 4.0, 12.0]


def test_functions_may_make_different_numbers_of_calls() -> None:
    network = Doubled()
    with Gather(3) as gather:

        def powers(i: int) -> float:
            x = torch.ones(1, 1)
            for _ in range(i):
                x = gather.network(network, i)(x)
            return float(x)

        assert gather.run([lambda i=i: powers(i) for i in range(3)]) == [1.0, 2.0, 4.0]
    assert network.sizes == [2, 1]


def test_the_error_of_one_function_does_not_end_the_others() -> None:
    with Gather(2) as gather:

        def fails() -> float:
            raise ValueError("no face")

        failed, done = gather.run([fails, lambda: float(gather.network(torch.exp, 1)(torch.zeros(1, 1)))])
    assert isinstance(failed, ValueError)
    assert done == 1.0


def test_the_error_of_a_network_is_raised_in_every_function_that_called_it() -> None:
    def broken(x: Tensor) -> Tensor:
        raise RuntimeError("out of memory")

    with Gather(2) as gather:
        found = gather.run([lambda i=i: gather.network(broken, i)(torch.zeros(1, 1)) for i in range(2)])
    assert [str(error) for error in found] == ["out of memory", "out of memory"]


def test_tuples_and_mappings_are_split_too() -> None:
    def network(x: Tensor) -> dict[str, Tensor]:
        return {"hair": x, "hat": x + 1}

    with Gather(2) as gather:
        found = gather.run([lambda i=i: gather.network(network, i)(torch.full((1, 1), float(i))) for i in range(2)])
        pairs = gather.run([lambda i=i: gather.network(torch.frexp, i)(torch.full((1,), float(i))) for i in range(2)])
    assert [float(one["hat"]) for one in found] == [1.0, 2.0]
    assert [float(mantissa) for mantissa, _ in pairs] == [0.0, 0.5]


def test_an_interrupt_leaves_no_thread_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    with Gather(2) as gather:

        def interrupted(calls: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(gather, "_make", interrupted)
        with pytest.raises(KeyboardInterrupt):
            gather.run([lambda i=i: gather.network(torch.exp, i)(torch.zeros(1, 1)) for i in range(2)])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("image")]
