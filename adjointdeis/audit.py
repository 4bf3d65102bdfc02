"""How right is a gradient? Any method against the exact one, on the network and grid at hand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.continuous_adjoint import ContinuousAdjoint
from adjointdeis.denoiser import Denoiser
from adjointdeis.discrete_adjoint import DiscreteAdjoint
from adjointdeis.gradient import GradientMethod, LossFn
from adjointdeis.sample import check_noises
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


class Audit(NamedTuple):
    """What an audit found.

    cosine and length_ratio (|found| / |exact|) by variable, 1 where the gradient is right; largest_step is the largest
    finite |h| of the grid; warnings are sentences for a person.
    """

    cosine: dict[str, float]
    length_ratio: dict[str, float]
    largest_step: float
    warnings: tuple[str, ...]


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
    w = check_noises(sampler, x_T, noises)
    found, exact = (
        m.value_and_grad(model, sampler, x_T, z, loss_fn, w, wrt).grads for m in (method, DiscreteAdjoint())
    )
    cosine, length_ratio = {}, {}
    for name in exact:
        a, b = _flat(found[name]), _flat(exact[name])
        cosine[name] = float(torch.nn.functional.cosine_similarity(a, b, dim=0, eps=1e-300))
        length_ratio[name] = float(a.norm() / b.norm())
    h = largest_step(sampler)
    return Audit(cosine, length_ratio, h, tuple(_warnings(method, sampler, h)))


def largest_step(sampler: Sampler) -> float:
    """The largest |h| = |lambda_t - lambda_s| of the sampler's grid, ends at infinity left out."""
    log_snr = [value for value in sampler.grid.log_snr if math.isfinite(value)]
    return max((b - a for a, b in itertools.pairwise(log_snr)), default=0.0)


def _warnings(method: GradientMethod, sampler: Sampler, h: float) -> list[str]:
    """Stability bounds of AdjointDEIS-1 where noise dominates: 2 - e^|h| (ODE), 3 - 2 e^|h| (SDE) a step."""
    if not isinstance(method, ContinuousAdjoint):
        return []
    turns, grows = (1.5, 2.0) if sampler.sde else (2.0, 3.0)
    found = f"the largest step of this grid is |h| = {h:.2f}"
    if h > math.log(grows):
        return [f"AdjointDEIS is unstable above |h| = ln {grows:g} = {math.log(grows):.2f}, and {found}."]
    if h > math.log(turns):
        return [f"AdjointDEIS turns the gradient's sign above |h| = ln {turns:g} = {math.log(turns):.2f}, and {found}."]
    return []


def _flat(grad: Any) -> Tensor:
    """One vector, in float64: of a tensor, or of all parameters."""
    parts = grad.values() if isinstance(grad, dict) else [grad]
    return torch.cat([part.double().flatten() for part in parts])
