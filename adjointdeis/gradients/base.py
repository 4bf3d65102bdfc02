"""How to differentiate is an argument: the contract of the gradient methods, and what they share.

A method takes the loss at the image, L = loss_fn(x_N), back to what the image came from:

    x_T      the starting state (b, *x)
    z        the conditioning: the same in every step, or one a step (Scheduled)
    noises   w_0 .. w_{N-1} of an SDE (N, b, *x)
    theta    the network's parameters that require a gradient, by name (gradients/network_parameters.py)

One value an image: the gradient is that of the sum, so every image gets its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.nan_tracer import NanTracer
from adjointdeis.gradients.network_parameters import trainable
from adjointdeis.gradients.vjp import Constants as Constants
from adjointdeis.gradients.vjp import leaf as leaf
from adjointdeis.gradients.vjp import recording as recording
from adjointdeis.sample import check_noises, check_z
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State, Values

LossFn = Callable[[Tensor], Tensor]
VARIABLES = ("x_T", "z", "noises", "theta")


class LossAndGradients(NamedTuple):
    """loss (b,), image (b, *x), and grads: a tensor for "x_T", "z", "noises"; a dict by name for "theta".

    Each gradient has the shape of its variable; that of a scheduled z is (N, *z), dL/dz_i by step.
    """

    loss: Tensor
    image: Tensor
    grads: dict[str, Any]


class NotFinite(FloatingPointError):
    """The loss or a gradient is not finite, and where that began; `result` tells for which images of the batch."""

    def __init__(self, message: str, result: LossAndGradients) -> None:
        super().__init__(message)
        self.result = result


class UnsuitedSampler(ValueError):
    """A gradient method cannot differentiate this sampler, whatever the network; the sentence says why."""


@runtime_checkable
class GradientMethod(Protocol):
    """DiscreteAdjoint (the default), SubgridAdjoint, ContinuousAdjoint, Reversible, OffTheShelf, Unrolled."""

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
            z: conditioning, one a step if `Scheduled`; where it is None, "z" in `wrt` is passed over.
            loss_fn: image (b, *x) -> one value an image (b,), or a single value.
            noises: w_0 .. w_{N-1} for an SDE; drawn once if None.
            wrt: which of "x_T", "z", "noises", "theta".

        Raises:
            ValueError: an unknown name in `wrt`, noises where there are none, no parameter that requires a
                gradient, a loss of the wrong shape, a schedule that has not one z a step.
            NotFinite: the image, the loss or a gradient is not finite; a FloatingPointError that names the step
                where that began, and carries the result, in which the other images of the batch are right.
        """


Differentiate = Callable[
    [Denoiser, Sampler, State, Conditioning, LossFn, Noises | None, Sequence[str]], LossAndGradients
]


def checked(
    differentiate: Differentiate,
    model: Denoiser,
    sampler: Sampler,
    x_T: State,
    z: Conditioning,
    loss_fn: LossFn,
    noises: Noises | Sequence[Tensor] | None,
    wrt: Sequence[str],
    replay: Differentiate | None = None,
) -> LossAndGradients:
    """What every method does around its own work: check the request, stack the noises, check the result.

    Whether all is finite is asked once, of the result. Only where it is not, the pass is made again (`replay`, or
    `differentiate` itself) with every network call watched, to say where that began.

    Raises:
        ValueError, NotFinite: see GradientMethod.
    """
    check_wrt(wrt, sampler)
    check_z(sampler, z)
    w = check_noises(sampler, x_T, noises)
    result = differentiate(model, sampler, x_T, z, loss_fn, w, wrt)
    try:
        return check_finite(result)
    except NotFinite as found:
        watch = NanTracer(model, sampler, loss_fn, trainable(model) if "theta" in wrt else {})
        again = partial(replay or differentiate, watch, sampler, x_T, z, watch.loss_fn, w, wrt)
        if where := watch.first(again, x_T=x_T, z=z, noises=w):
            raise NotFinite(f"{where} {found}", result) from None
        raise


def gather(
    loss: Values, image: State, g: State, g_w: Noises | None, constants: Constants, wrt: Sequence[str]
) -> LossAndGradients:
    """The result of a pass, from g = dL/dx_T, dL/dw (None where it is not wanted) and the constants' sums."""
    grads: dict[str, Any] = {"x_T": g} if "x_T" in wrt else {}
    if g_w is not None:
        grads["noises"] = g_w
    return LossAndGradients(loss, image, grads | constants.grads())


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
    """Raises NotFinite if the loss, the image or a gradient is not finite; returns the result unchanged."""
    if not result.loss.isfinite().all():
        raise NotFinite(f"The loss is not finite: {result.loss.flatten().tolist()}.", result)
    if not result.image.isfinite().all():
        raise NotFinite("The image is not finite.", result)
    for name, grad in result.grads.items():
        parts = grad.values() if isinstance(grad, dict) else [grad]
        if not all(part.isfinite().all() for part in parts):
            raise NotFinite(
                f"The gradient with respect to {name} is not finite; try fewer steps, a lower noise level or a "
                "network in float32.",
                result,
            )
    return result
