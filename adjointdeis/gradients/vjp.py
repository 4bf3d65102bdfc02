"""The one operation that every step-by-step method is made of: a recorded network call and its vector-Jacobian product.

    a_x^T d net / d x,      a_x^T d net / d z,      a_x^T d net / d theta        for a cotangent a_x of the output

z and theta are the same in all steps, so their products are summed over the steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.conditioning import gradients, leaves, replaced
from adjointdeis.denoiser import Denoiser, tensor_of
from adjointdeis.gradients.network_parameters import trainable
from adjointdeis.precision import to_order_one
from adjointdeis.sample import call, z_at
from adjointdeis.shapes import Conditioning, Scheduled, State


@contextmanager
def recording() -> Iterator[None]:
    """Record an autograd graph, whatever mode the caller is in.

    Raises:
        ValueError: torch refuses the network, and the message has a cure.
    """
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    except RuntimeError as error:
        for found, cure in _CURES.items():
            if found in str(error):
                raise ValueError(cure) from error
        raise


_CURES = {
    "use_reentrant": "The network checkpoints its activations with use_reentrant=True, through which torch gives no "
    "gradient of chosen inputs; set use_reentrant=False in its gradient checkpointing.",
    "in-place operation": "The network or the loss changes its input in place, as x.mul_(2) and x += 1 do; compute a "
    "new tensor instead.",
    "call numpy()": "The network or the loss leaves torch by .numpy(), through which there is no gradient; compute it "
    "by torch operations.",
    "Inference tensors": "The network's parameters were made under torch.inference_mode, so no gradient can be "
    "recorded through them; load the network outside inference_mode.",
}
"""A part of torch's message -> the sentence with the cure."""


def leaf(x: Tensor) -> Tensor:
    """The values of x as a new leaf that requires a gradient."""
    with torch.inference_mode(False):
        # a tensor made in inference mode must be copied before autograd may save it
        return (x.clone() if x.is_inference() else x).detach().requires_grad_()


def recorded(model: Denoiser) -> Denoiser:
    """The network; its output must have a graph wherever one is recorded, else it raises ValueError."""

    def network(t: Tensor, x: State, z: Conditioning) -> Tensor:
        output = tensor_of(model(t, x, z))
        if torch.is_grad_enabled() and not output.requires_grad:
            raise ValueError(
                "The network's output has no gradient with respect to its input; it must be computed by torch "
                "operations, without detach() or no_grad() inside."
            )
        return output

    return network


class RecordedCall(NamedTuple):
    """One network call with its graph: the leaves (x, then z and theta if they are differentiated) and the output."""

    leaves: list[Tensor]
    output: Tensor


class NetworkVJP:
    """Vector-Jacobian products of one network, and the gradients of z and theta, summed over the steps.

    The contribution of step i to a scheduled z is dL/dz_i.

    Args:
        model: net(t, x, z).
        z: conditioning, one a step if `Scheduled`, or None.
        wrt: the variables to differentiate by; of these, "z" and "theta" are summed here.

    Raises:
        ValueError, NotImplementedError: theta is requested and cannot be differentiated, see `trainable`.
    """

    def __init__(self, model: Denoiser, z: Conditioning, wrt: Sequence[str]) -> None:
        self.model, self.recorded = model, recorded(model)
        self.z_count = len(leaves(z)) if "z" in wrt else 0
        self.z: Conditioning = replaced(z, [leaf(v) for v in leaves(z)]) if self.z_count else z
        self.theta: dict[str, Tensor] = trainable(model) if "theta" in wrt else {}
        # many small contributions are summed: in half precision they would be rounded away
        self.sums = [torch.zeros_like(v, dtype=torch.promote_types(v.dtype, torch.float32)) for v in self.leaves]

    @property
    def leaves(self) -> list[Tensor]:
        """The floating-point tensors of z, if it is differentiated, then the parameters."""
        return [*(leaves(self.z) if self.z_count else []), *self.theta.values()]

    @property
    def scheduled(self) -> bool:
        """Whether dL/dz is computed step by step."""
        return self.z_count > 0 and isinstance(self.z, Scheduled)

    def record(self, time: int | float, x: State, step: int | None = None) -> RecordedCall:
        """One network call with its graph, in step `step` (which only a scheduled z needs).

        Raises:
            ValueError: the output does not depend on x, z or theta by torch operations.
        """
        with recording():
            x = leaf(x)
            shared = self.leaves
            z = self.z
            if isinstance(z, Scheduled) and step is not None:
                z = z_at(z, step)
                if self.z_count:
                    shared[: self.z_count] = [leaf(v) for v in leaves(z)]
                    z = replaced(z, shared)
            output = call(self.recorded, time, x, z)
        return RecordedCall([x, *shared], output)

    def vjp(self, call: RecordedCall, cotangent: State) -> tuple[State, list[Tensor]]:
        """cotangent^T d net / d x, and the same for z and theta. The graph of the call is freed.

        The cotangent is brought to order one by a power of two (exact) and the result divided by it, so that a
        network in half precision does not flush it to zero.
        """
        scale = to_order_one(cotangent)
        with recording():
            products = torch.autograd.grad(call.output, call.leaves, cotangent * scale, materialize_grads=True)
        return products[0] / scale, [p / scale for p in products[1:]]

    def record_and_vjp(
        self, time: int | float, x: State, cotangent: State, step: int | None = None
    ) -> tuple[State, list[Tensor]]:
        """`record`, then `vjp`."""
        return self.vjp(self.record(time, x, step), cotangent)

    def add(self, shares: Sequence[Tensor], weight: float = 1.0, step: int | None = None) -> None:
        """Add the weighted share of a step to dL/dz and dL/dtheta; that of a scheduled z goes to z_i of step i."""
        totals = list(self.sums)
        if self.scheduled and step is not None:
            totals[: self.z_count] = [total[step] for total in totals[: self.z_count]]
        for total, share in zip(totals, shares, strict=True):
            total.add_(share, alpha=weight)

    def grads(self) -> dict[str, Any]:
        """The sums, by variable, in the dtypes of their variables."""
        sums = [total.to(v.dtype) for total, v in zip(self.sums, self.leaves, strict=True)]
        found: dict[str, Any] = {"z": gradients(self.z, sums[: self.z_count])} if self.z_count else {}
        if self.theta:
            found["theta"] = dict(zip(self.theta, sums[self.z_count :], strict=True))
        return found
