"""What the steps of a pass share, z and theta, and the one operation every method is made of: a network call that is
recorded, and its vector-Jacobian product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.network_parameters import trainable
from adjointdeis.precision import to_order_one
from adjointdeis.sample import call, z_at
from adjointdeis.shapes import Conditioning, Scheduled, State


@contextmanager
def recording() -> Iterator[None]:
    """Record gradients whatever mode the caller is in."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def leaf(x: Tensor) -> Tensor:
    """The values of x as a new leaf that requires a gradient."""
    with torch.inference_mode(False):
        # a tensor made in inference mode must be copied before autograd may save it
        return (x.clone() if x.is_inference() else x).detach().requires_grad_()


class Recorded(NamedTuple):
    """One network call with its graph: the leaves (x, then z and theta as far as they are wanted) and the output."""

    leaves: list[Tensor]
    output: Tensor


class Constants:
    """z and theta as leaves, with their gradients' running sums.

    A step adds its own share of dL/dz and dL/dtheta. Where z is scheduled, the share of step i is dL/dz_i.
    """

    def __init__(self, model: Denoiser, z: Conditioning, wrt: Sequence[str]) -> None:
        self.model = model
        self.wants_z = "z" in wrt and z is not None
        self.z: Conditioning = _leaf_of(z) if self.wants_z else z
        self.theta: dict[str, Tensor] = trainable(model) if "theta" in wrt else {}
        # many small shares are summed: in half precision they would be rounded away
        self.sums = [torch.zeros_like(v, dtype=torch.promote_types(v.dtype, torch.float32)) for v in self.leaves]

    @property
    def leaves(self) -> list[Tensor]:
        """z, if its gradient is wanted, then the parameters."""
        z = self.z.z if isinstance(self.z, Scheduled) else self.z
        return [*([z] if self.wants_z and z is not None else []), *self.theta.values()]

    def record(self, time: int | float, x: State, step: int | None = None) -> Recorded:
        """One network call with its graph, for step `step` (which only a scheduled z needs).

        Raises:
            ValueError: the output does not hang on x, z or theta by torch operations.
        """
        with recording():
            x = leaf(x)
            shared = self.leaves
            z = self.z
            if isinstance(z, Scheduled) and step is not None:
                z = z_at(z, step)
                if self.wants_z and z is not None:
                    z = shared[0] = leaf(z)
            output = call(self.model, time, x, z)
        if not output.requires_grad:
            raise ValueError(
                "The network's output has no gradient with respect to its input; it must be computed by torch "
                "operations, without detach() or no_grad() inside."
            )
        return Recorded([x, *shared], output)

    def pull(self, call: Recorded, cotangent: State) -> tuple[State, list[Tensor]]:
        """cotangent^T d net / d x, and the same for z and theta: one vector-Jacobian product, which uses up the graph.

        The cotangent is brought to order one by a power of two (exact) and the result taken back, so that a
        network in half precision does not flush it to zero.
        """
        scale = to_order_one(cotangent)
        with recording():
            pulled = torch.autograd.grad(call.output, call.leaves, cotangent * scale, materialize_grads=True)
        return pulled[0] / scale, [p / scale for p in pulled[1:]]

    def pull_back(
        self, time: int | float, x: State, cotangent: State, step: int | None = None
    ) -> tuple[State, list[Tensor]]:
        """`record`, then `pull`."""
        return self.pull(self.record(time, x, step), cotangent)

    def add(self, shares: Sequence[Tensor], weight: float = 1.0, step: int | None = None) -> None:
        """Add a step's share, weighted. That of a scheduled z is dL/dz_i of step i alone."""
        totals = list(self.sums)
        if self.scheduled and step is not None:
            totals[0] = totals[0][step]
        for total, share in zip(totals, shares, strict=True):
            total.add_(share, alpha=weight)

    @property
    def scheduled(self) -> bool:
        """Whether dL/dz is wanted, step by step."""
        return self.wants_z and isinstance(self.z, Scheduled)

    def grads(self) -> dict[str, Any]:
        """The sums, by variable, in their variables' dtypes."""
        sums = [total.to(v.dtype) for total, v in zip(self.sums, self.leaves, strict=True)]
        found: dict[str, Any] = {"z": sums.pop(0)} if self.wants_z else {}
        if self.theta:
            found["theta"] = dict(zip(self.theta, sums, strict=True))
        return found


def _leaf_of(z: Conditioning) -> Conditioning:
    if isinstance(z, Scheduled):
        return Scheduled(leaf(z.z))
    return None if z is None else leaf(z)
