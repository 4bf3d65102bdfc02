"""The loss at the image, and its gradient there."""

from __future__ import annotations

from typing import Any

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
        (cotangent,) = torch.autograd.grad(loss.sum(), image, allow_unused=True)
    if cotangent is None:
        raise ValueError(_NO_GRADIENT)
    return loss.detach(), cotangent


def check_loss(loss: Any, image: State) -> None:
    """Raises ValueError for a loss that is not one tensor value an image, or does not depend on the image."""
    if not isinstance(loss, Tensor):
        raise ValueError(
            f"loss_fn must return a torch tensor with one value an image, shape ({len(image)},); got "
            f"{type(loss).__name__}. Compute it from the image by torch operations, without .item() or float()."
        )
    if loss.shape != (len(image),) and not (loss.shape == () and len(image) == 1):
        raise ValueError(
            f"loss_fn must return one value an image, shape ({len(image)},); got shape {tuple(loss.shape)}. Average "
            "over an image's own entries alone, as in error.flatten(1).mean(1)."
        )
    if not loss.requires_grad or loss.is_complex():
        raise ValueError(_NO_GRADIENT)


_NO_GRADIENT = (
    "loss_fn's result has no gradient with respect to the image; it must be computed from the image by real torch "
    "operations, without detach() or no_grad()."
)
