"""How to differentiate is an argument: the contract of the gradient methods, and what they share.

A method takes the loss at the image, L = loss_fn(x_N), back to what the image came from:

    x_T      the starting state (b, *x)
    z        the conditioning, the same in every step
    noises   w_0 .. w_{N-1} of an SDE (N, b, *x)
    theta    the network's parameters that require a gradient, by name

One value an image: the gradient is that of the sum, so every image gets its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.precision import to_order_one
from adjointdeis.sample import call
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State, Values

LossFn = Callable[[Tensor], Tensor]
VARIABLES = ("x_T", "z", "noises", "theta")


class LossAndGradients(NamedTuple):
    """loss (b,), image (b, *x), and grads: a tensor for "x_T", "z", "noises"; a dict by name for "theta"."""

    loss: Tensor
    image: Tensor
    grads: dict[str, Any]


class NotFinite(FloatingPointError):
    """The loss or a gradient is not finite; `result` tells for which images of the batch."""

    def __init__(self, message: str, result: LossAndGradients) -> None:
        super().__init__(message)
        self.result = result


@runtime_checkable
class GradientMethod(Protocol):
    """DiscreteAdjoint (the default), ContinuousAdjoint, Unrolled."""

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        noises: Noises | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """Sample, take the loss, and differentiate it.

        Args:
            model: net(t, x, z).
            sampler: the table.
            x_T: starting state (b, *x).
            z: conditioning; where it is None, "z" in `wrt` is passed over.
            loss_fn: image (b, *x) -> one value an image (b,), or a single value.
            noises: w_0 .. w_{N-1} for an SDE; drawn once if None.
            wrt: which of "x_T", "z", "noises", "theta".

        Raises:
            ValueError: an unknown name in `wrt`, noises where there are none, no parameter that requires a
                gradient, a loss of the wrong shape.
            NotFinite: the loss or a gradient is not finite; a FloatingPointError that carries the result, in
                which the other images of the batch are right.
        """


@contextmanager
def recording() -> Iterator[None]:
    """Record gradients whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


class Constants:
    """What every step of a pass shares: z and theta, as leaves, with their gradients' running sums.

    A step adds its own share of dL/dz and dL/dtheta.
    """

    def __init__(self, model: Denoiser, z: Conditioning, wrt: Sequence[str]) -> None:
        self.model = model
        self.wants_z = "z" in wrt and z is not None
        self.z = leaf(z) if self.wants_z and z is not None else z
        self.theta: dict[str, Tensor] = dict(_trainable(model)) if "theta" in wrt else {}
        self.sums = [torch.zeros_like(v) for v in self.leaves]

    @property
    def leaves(self) -> list[Tensor]:
        """z, if its gradient is wanted, then the parameters."""
        return [*([self.z] if self.wants_z and self.z is not None else []), *self.theta.values()]

    def pull_back(self, time: int | float, x: State, cotangent: State) -> tuple[State, list[Tensor]]:
        """cotangent^T d net / d x, and the same for z and theta: one vector-Jacobian product.

        The cotangent is brought to order one by a power of two (exact) and the result taken back, so that a
        network in half precision does not flush it to zero.
        """
        with recording():
            x = leaf(x)
            output = call(self.model, time, x, self.z)
            scale = to_order_one(cotangent)
            pulled = torch.autograd.grad(output, [x, *self.leaves], cotangent * scale, materialize_grads=True)
        return pulled[0] / scale, [p / scale for p in pulled[1:]]

    def add(self, shares: Sequence[Tensor], weight: float = 1.0) -> None:
        """Add a step's share, weighted."""
        for total, share in zip(self.sums, shares, strict=True):
            total.add_(share, alpha=weight)

    def grads(self) -> dict[str, Any]:
        """The sums, by variable."""
        sums = list(self.sums)
        found: dict[str, Any] = {"z": sums.pop(0)} if self.wants_z else {}
        if self.theta:
            found["theta"] = dict(zip(self.theta, sums, strict=True))
        return found


def leaf(x: Tensor) -> Tensor:
    """The values of x as a new leaf that requires a gradient."""
    with torch.inference_mode(False):
        # a tensor made in inference mode must be copied before autograd may save it
        return (x.clone() if x.is_inference() else x).detach().requires_grad_()


def check_wrt(wrt: Sequence[str], sampler: Sampler) -> None:
    """Raises ValueError for a name that is none of the four, or noises of an ODE."""
    if isinstance(wrt, str) or not wrt:
        raise ValueError(f"wrt must be a tuple of names, such as ('x_T', 'z'); got {wrt!r}.")
    if unknown := [name for name in wrt if name not in VARIABLES]:
        raise ValueError(f"wrt may name {', '.join(VARIABLES)}; got {unknown[0]!r}.")
    if "noises" in wrt and not sampler.sde:
        raise ValueError("An ODE sampler has no noises to differentiate; use wrt=('x_T', 'z'), or sde=True.")


def loss_and_cotangent(loss_fn: LossFn, image: State) -> tuple[Values, State]:
    """The loss at the image, and g_N = dL/dx_N."""
    with recording():
        image = leaf(image)
        loss = loss_fn(image)
        check_loss(loss, image)
        (cotangent,) = torch.autograd.grad(loss.sum(), image, materialize_grads=True)
    return loss.detach(), cotangent


def check_loss(loss: Tensor, image: State) -> None:
    """Raises ValueError for a loss that is neither (b,) nor a single value, or does not depend on the image."""
    if loss.shape not in ((len(image),), ()):
        raise ValueError(
            f"loss_fn must return one value an image, shape ({len(image)},), or a single value; got shape "
            f"{tuple(loss.shape)}."
        )
    if not loss.requires_grad:
        raise ValueError(
            "loss_fn's result has no gradient with respect to the image; it must be computed from the image by "
            "torch operations, without detach() or no_grad()."
        )


def check_finite(result: LossAndGradients) -> LossAndGradients:
    """Raises NotFinite if the loss or a gradient is not finite; returns the result unchanged."""
    if not result.loss.isfinite().all():
        raise NotFinite(f"The loss is not finite: {result.loss.flatten().tolist()}.", result)
    for name, grad in result.grads.items():
        parts = grad.values() if isinstance(grad, dict) else [grad]
        if not all(part.isfinite().all() for part in parts):
            raise NotFinite(
                f"The gradient with respect to {name} is not finite; try fewer steps, a lower noise level or a "
                "network in float32.",
                result,
            )
    return result


def _trainable(model: Denoiser) -> Iterator[tuple[str, Tensor]]:
    named = getattr(model, "named_parameters", None)
    found = [(name, p) for name, p in named() if p.requires_grad] if named else []
    if not found:
        raise ValueError(
            "wrt names theta, but the model has no parameter that requires a gradient; call "
            "requires_grad_(True) on those to train."
        )
    yield from found
