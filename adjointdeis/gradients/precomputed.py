"""What a network makes of z before it looks at x_t, made once instead of in every step.

Where net(t, x, z) = told(t, x, c) with c = prepare(z), every step's share of dL/dz goes through the same Jacobian:

    dL/dz = sum_i (d net_i / d z)^T v_i = (d prepare / d z)^T  sum_i (d told_i / d c)^T v_i

so the sum is taken over c, and prepare is differentiated once. The gradient is the same to rounding, for every gradient
method, because all of them are linear in these shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import GradientMethod, LossAndGradients, LossFn, NotFinite, check_finite
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.vjp import leaf, recording
from adjointdeis.sample import iterate
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State

Prepare = Callable[[Tensor], Tensor]
"""z (b, *z) -> c (b, *c), by torch operations; the network must take c in the place of z."""


@dataclass(frozen=True)
class Precomputed:
    """A gradient method on c = prepare(z) instead of z; what it gives back is the gradient of z.

    A z of None is passed on as it is. So is every z where theta is wanted, since part of theta may lie in `prepare`.

    Args:
        prepare: see above. A scheduled z is prepared for all its steps at once, (N b, *z) -> (N b, *c).
        method: how to differentiate through the sampler.
    """

    prepare: Prepare
    method: GradientMethod = DiscreteAdjoint()

    def sample(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        noises: Noises | None = None,
    ) -> Iterator[State]:
        """The states that the method's image is the last of."""
        run = getattr(self.method, "sample", iterate)
        states: Iterator[State] = run(model, sampler, x_T, prepared(self.prepare, z), noises)
        return states

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
        """See GradientMethod."""
        if z is None or "theta" in wrt:
            return self.method.value_and_grad(model, sampler, x_T, z, loss_fn, noises, wrt)
        with recording():
            start = leaf(z.z if isinstance(z, Scheduled) else z)
            c = _all_steps(self.prepare, start) if isinstance(z, Scheduled) else self.prepare(start)
        known: Conditioning = Scheduled(c.detach()) if isinstance(z, Scheduled) else c.detach()
        try:
            found = self.method.value_and_grad(model, sampler, x_T, known, loss_fn, noises, wrt)
        except NotFinite as caught:
            raise NotFinite(str(caught), _through(caught.result, c, start)) from None
        return check_finite(_through(found, c, start))


def prepared(prepare: Prepare | None, z: Conditioning) -> Conditioning:
    """prepare(z), without a graph; z itself where there is nothing to prepare."""
    if prepare is None or z is None:
        return z
    with torch.no_grad():
        return Scheduled(_all_steps(prepare, z.z)) if isinstance(z, Scheduled) else prepare(z)


def _all_steps(prepare: Prepare, z: Tensor) -> Tensor:
    """(N, b, *z) -> (N, b, *c)."""
    c = prepare(z.flatten(0, 1))
    return c.view(*z.shape[:2], *c.shape[1:])


def _through(found: LossAndGradients, c: Tensor, z: Tensor) -> LossAndGradients:
    """dL/dz in the place of dL/dc."""
    grads: dict[str, Any] = dict(found.grads)
    if "z" in grads:
        (grads["z"],) = torch.autograd.grad(c, z, grads["z"], materialize_grads=True)
    return found._replace(grads=grads)
