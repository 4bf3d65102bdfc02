"""The loop: take the gradient, move the variables, sample again. A generator, so that progress, pictures, saving
and stopping belong to the caller.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.discrete_adjoint import DiscreteAdjoint
from adjointdeis.gradient import GradientMethod, LossFn, check_wrt
from adjointdeis.sample import check_noises, iterate
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State

OptimizerFactory = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]

# Adam's eps is far below any gradient met here: that of x_T is often 1e-7 an entry, and the usual 1e-8 would
# change the step with the scale of the loss.
OPTIMIZERS: dict[str, OptimizerFactory] = {
    "adam": lambda groups: torch.optim.Adam(groups, eps=1e-16),
    "sgd": torch.optim.SGD,
}


class Frame(NamedTuple):
    """The sample after `step` updates.

    image (b, *x) and loss (b,) belong to `variables` (x_T, z, noises as far as they are optimised), so the best
    frame can be taken up again. grad_norm is the length of the gradient taken here, by variable: empty in the last
    frame, after which nothing moves. nfe counts network calls since the start, seconds the time.
    """

    step: int
    image: Tensor
    loss: Tensor
    grad_norm: dict[str, float]
    nfe: int
    seconds: float
    variables: dict[str, Tensor]


class CountedModel:
    """A network that counts its calls."""

    def __init__(self, model: Denoiser) -> None:
        self.model, self.calls = model, 0

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """net(t, x, z)."""
        self.calls += 1
        return self.model(t, x, z)


def guide(
    model: Denoiser,
    sampler: Sampler,
    x_T: State,
    z: Conditioning,
    loss_fn: LossFn,
    *,
    noises: Noises | Sequence[Tensor] | None = None,
    gradient: GradientMethod = DiscreteAdjoint(),
    optimizer: str | OptimizerFactory = "adam",
    lr: float | Mapping[str, float] = 1e-2,
    steps: int = 50,
    wrt: Sequence[str] = ("x_T", "z"),
) -> Iterator[Frame]:
    """Steer the sample down the loss: frames 0 .. steps, where frame k has had k updates.

    In SDE mode nearly all of the gradient is in the noises and in z, hardly any in x_T: use
    wrt=("noises", "z") there, ("x_T", "z") for the ODE. The gradients of the variables differ by orders of
    magnitude: with SGD give each its own rate.

    Args:
        model: net(t, x, z).
        sampler: the table.
        x_T: starting state (b, *x).
        z: conditioning, or None.
        loss_fn: image (b, *x) -> one value an image (b,).
        noises: w_0 .. w_{N-1} for an SDE, as `encode` gives them; drawn once if None.
        gradient: how to differentiate.
        optimizer: "adam", "sgd", or a function from parameter groups to a torch optimizer that treats entries
            independently.
        lr: learning rate > 0, one for all, or one for each variable by name.
        steps: number of updates, at least 0; with 0 the plain sample is the only frame.
        wrt: what is optimised, of "x_T", "z", "noises".

    Raises:
        ValueError: an argument out of range, an unknown name, a rate missing for a variable.
        FloatingPointError: the loss or a gradient is not finite.
    """
    if steps < 0:
        raise ValueError(f"steps must be at least 0; got {steps}.")
    check_wrt(wrt, sampler)
    if "theta" in wrt:
        raise ValueError("guide steers x_T, z and noises; train theta with value_and_grad and your own optimizer.")
    w = check_noises(sampler, x_T, noises)
    values = {"x_T": x_T, "z": z, "noises": w}
    # parameters of our own: the caller's tensors never change
    variables = {name: v.detach().clone() for name in wrt if (v := values[name]) is not None}
    return _steer(
        model,
        sampler,
        values,
        variables,
        loss_fn,
        gradient,
        _build_optimizer(optimizer, variables, lr),
        steps,
    )


def _steer(
    model: Denoiser,
    sampler: Sampler,
    values: dict[str, Tensor | None],
    variables: dict[str, Tensor],
    loss_fn: LossFn,
    gradient: GradientMethod,
    optimizer: torch.optim.Optimizer,
    steps: int,
) -> Iterator[Frame]:
    counted, start = CountedModel(model), time.perf_counter()
    for k in range(steps + 1):
        now: dict[str, Any] = values | variables
        norms: dict[str, float] = {}
        if k < steps:
            found = gradient.value_and_grad(
                counted, sampler, now["x_T"], now["z"], loss_fn, now["noises"], tuple(variables)
            )
            loss, image = found.loss, found.image
            norms = {name: float(grad.norm()) for name, grad in found.grads.items()}
        else:
            with torch.no_grad():
                *_, image = iterate(counted, sampler, now["x_T"], now["z"], now["noises"])
                loss = loss_fn(image)
        shown = {name: v.clone() for name, v in variables.items()}
        yield Frame(k, image, loss, norms, counted.calls, time.perf_counter() - start, shown)
        if k < steps:
            for name, v in variables.items():
                v.grad = found.grads[name]
            optimizer.step()


def _build_optimizer(
    optimizer: str | OptimizerFactory, variables: dict[str, Tensor], lr: float | Mapping[str, float]
) -> torch.optim.Optimizer:
    if not variables:
        raise ValueError("There is nothing to optimise: wrt names only z, and z is None.")
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, or a function; got {optimizer!r}.")
        optimizer = OPTIMIZERS[optimizer]
    groups = []
    for name, v in variables.items():
        rate = lr.get(name) if isinstance(lr, Mapping) else lr
        if rate is None or not rate > 0:
            raise ValueError(f"lr must be above 0 for every variable; got {rate} for {name}.")
        groups.append({"params": [v], "lr": float(rate)})
    return optimizer(groups)
