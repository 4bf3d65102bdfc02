"""The part of a network that depends on z alone, computed once instead of in every step.

Where net(t, x, z) = rest(t, x, c) with c = prepare(z), every step's share of dL/dz goes through the same Jacobian:

    dL/dz = sum_i (d net_i / d z)^T v_i = (d prepare / d z)^T  sum_i (d rest_i / d c)^T v_i

so the sum is taken over c, and prepare is differentiated once. The gradient is the same to rounding, for every gradient
method, because all of them are linear in these shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from adjointdeis.conditioning import gradients, leaves, map_tensors, replaced
from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import (
    CheckedMethod,
    GradientMethod,
    LossAndGradients,
    NotFinite,
    OwnSampler,
    check_finite,
    differentiate,
    sampling,
)
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.vjp import leaf, recording
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State

Prepare = Callable[[Any], Any]
"""z (b, *z) -> c (b, *c), by torch operations; the network must take c in the place of z."""


@dataclass(frozen=True)
class Precomputed(CheckedMethod, OwnSampler):
    """A gradient method on c = prepare(z) instead of z; it returns the gradient of z.

    A z of None is passed on unchanged. So is every z where theta is requested, since part of theta may be in `prepare`.

    Args:
        prepare: see above. A scheduled z is prepared for all its steps at once, (N b, *z) -> (N b, *c).
        method: how to differentiate through the sampler.
    """

    prepare: Prepare
    method: GradientMethod = DiscreteAdjoint()

    def _states(
        self, model: Denoiser, sampler: Sampler, x_T: State, z: Conditioning, noises: Noises | None
    ) -> Iterator[State]:
        return sampling(self.method)(model, sampler, x_T, prepared(self.prepare, z), noises)

    def _differentiate(self, problem: Problem) -> LossAndGradients:
        z = problem.z
        if z is None or "theta" in problem.wrt:
            return differentiate(problem, self.method)
        with recording():
            start = replaced(z, [leaf(v) for v in leaves(z)])
            c = _prepare(self.prepare, start)
        constant = replaced(c, [v.detach() for v in leaves(c)])
        try:
            found = differentiate(replace(problem, z=constant), self.method)
        except NotFinite as error:
            raise NotFinite(str(error), _through(error.result, c, start)) from None
        return check_finite(_through(found, c, start))


def prepared(prepare: Prepare | None, z: Conditioning) -> Conditioning:
    """prepare(z), without a graph; z itself where there is nothing to prepare."""
    if prepare is None or z is None:
        return z
    with torch.no_grad():
        c: Conditioning = _prepare(prepare, z)
    return c


def _prepare(prepare: Prepare, z: Conditioning) -> Any:
    """prepare(z); of a scheduled z for all steps at once, (N, b, *z) -> (N, b, *c)."""
    if not isinstance(z, Scheduled):
        return prepare(z)
    steps, images = leaves(z)[0].shape[:2]
    c = prepare(map_tensors(lambda v: v.flatten(0, 1), z.z))
    return Scheduled(map_tensors(lambda v: v.view(steps, images, *v.shape[1:]), c))


def _through(found: LossAndGradients, c: Conditioning, z: Conditioning) -> LossAndGradients:
    """dL/dz in the place of dL/dc."""
    grads: dict[str, Any] = dict(found.grads)
    if "z" in grads:
        # an entry of c that does not depend on z has no graph
        pairs = [(v, g) for v, g in zip(leaves(c), leaves(grads["z"]), strict=True) if v.requires_grad]
        outputs, cotangents = [v for v, _ in pairs], [g for _, g in pairs]
        shares = torch.autograd.grad(outputs, leaves(z), cotangents, materialize_grads=True)
        grads["z"] = gradients(z, shares)
    return found._replace(grads=grads)
