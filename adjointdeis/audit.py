"""Compare any gradient method with the exact gradient, on a given network and grid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.conditioning import leaves, z_at
from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import GradientMethod, differentiate
from adjointdeis.gradients.continuous import ContinuousAdjoint, drift
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.problem import LossFn, Problem
from adjointdeis.gradients.subgrid import SubgridAdjoint
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State


class Audit(NamedTuple):
    """The result of an audit.

    cosine and length_ratio (|found| / |exact|) by variable, both 1 for an exact gradient; theta is one vector of all
    parameters. by_step holds the same two for every step of the noises and of a scheduled z, and by_parameter for every
    parameter. largest_step is the largest finite |h| of the grid that the method takes its Jacobians on; warnings are
    sentences to display.
    """

    cosine: dict[str, float]
    length_ratio: dict[str, float]
    largest_step: float
    warnings: tuple[str, ...]
    by_step: dict[str, list[tuple[float, float]]]
    by_parameter: dict[str, tuple[float, float]]


def audit(
    method: GradientMethod,
    model: Denoiser,
    sampler: Sampler,
    x_T: State,
    z: Conditioning,
    loss_fn: LossFn,
    noises: Noises | Sequence[Tensor] | None = None,
    wrt: Sequence[str] = ("x_T", "z"),
) -> Audit:
    """Compare a method's gradient with the exact gradient of the same sampler, DiscreteAdjoint's.

    Costs one gradient by each. Arguments and errors are those of GradientMethod; noises are drawn once for both.
    """
    problem = Problem(model, sampler, x_T, z, loss_fn, noises, wrt)
    found, exact = (differentiate(problem, m).grads for m in (method, DiscreteAdjoint()))
    whole = {name: compare(_flat(found[name]), _flat(grad)) for name, grad in exact.items()}
    by_step = ["noises", *(["z"] if isinstance(z, Scheduled) else [])]
    theta = exact.get("theta", {})
    h = largest_step(_grid(method, sampler))
    return Audit(
        {name: cosine for name, (cosine, _) in whole.items()},
        {name: ratio for name, (_, ratio) in whole.items()},
        h,
        tuple(_warnings(method, sampler, h)),
        {
            name: [compare(*(_flat(z_at(Scheduled(g[name]), i)) for g in (found, exact))) for i in range(sampler.steps)]
            for name in by_step
            if name in exact
        },
        {name: compare(found["theta"][name].flatten(), grad.flatten()) for name, grad in theta.items()},
    )


def compare(found: Tensor, exact: Tensor) -> tuple[float, float]:
    """Cosine, and |found| / |exact|, of two vectors. Two zeros are equal, 1 and 1; one zero has the cosine 0."""
    a, b = found.double(), exact.double()
    length_a, length_b = float(a.norm()), float(b.norm())
    if length_a == 0 or length_b == 0:
        both = float(length_a == length_b)
        return both, both if length_a == 0 else math.inf
    return float(torch.dot(a / length_a, b / length_b)), length_a / length_b


def largest_step(grid: Grid | Sampler) -> float:
    """The largest |h| = |lambda_t - lambda_s| of a grid, or of a sampler's, ends at infinity left out."""
    nodes = grid.grid if isinstance(grid, Sampler) else grid
    log_snr = [value for value in nodes.log_snr if math.isfinite(value)]
    return max((b - a for a, b in itertools.pairwise(log_snr)), default=0.0)


def _grid(method: GradientMethod, sampler: Sampler) -> Grid:
    """The grid that the method takes its Jacobians on."""
    return method.grid(sampler) if isinstance(method, ContinuousAdjoint | SubgridAdjoint) else sampler.grid


def _warnings(method: GradientMethod, sampler: Sampler, h: float) -> list[str]:
    """Stability bounds of AdjointDEIS-1 where noise dominates: a step multiplies by 1 - k (e^|h| - 1), where k is 1 for
    the ODE and 2 for the SDE. Jacobians at the noisier end have none.
    """
    if not isinstance(method, ContinuousAdjoint):
        return []
    longest = f"the longest step here is {h:.2f}"
    flips, grows = 1 + 1 / drift(sampler), 1 + 2 / drift(sampler)
    if h > math.log(grows):
        return [f"Steps longer than {math.log(grows):.2f} make the adjoint's gradient unstable; {longest}."]
    if h > math.log(flips):
        return [f"Steps longer than {math.log(flips):.2f} flip the sign of the adjoint's gradient; {longest}."]
    return []


def _flat(grad: Any) -> Tensor:
    """One vector, in float64: of a tensor, of all tensors of a structured z, or of all parameters."""
    return torch.cat([part.double().flatten() for part in leaves(grad)])
