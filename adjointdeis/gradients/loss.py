"""The loss at the image, and its gradient there."""

from __future__ import annotations

import torch
from torch import Tensor

from adjointdeis.gradients.problem import LossFn
from adjointdeis.gradients.vjp import leaf, recording
from adjointdeis.shapes import State, Values


def loss_and_cotangent(loss_fn: LossFn, image: State) -> tuple[Values, State]:
    """The loss at the image, and g_N = dL/dx_N.

    Raises:
        ValueError: see check_loss.
    """
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
