"""The area "automatic": where the goal changes the picture.

    code    max over channels of |m(v) - m(z)| / s(z)      for a model with mean m and spread s of the pixels given z
    pixels  |d loss / dx|, smoothed                        for all others

with v the near code that satisfies the losses of z itself (`Objective.of_code`); where none of them is a goal, a few
steps from z down the gradient of loss(m(z)).
The mask holds the pixels with at least `SHARE` of the map's largest value, with a margin.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from studio.models.interface import Model
from studio.runs.area.edges import feathered, widened
from studio.runs.goals.objective import Objective

SHARE = 0.4
_STEPS, _STEP = 3, 0.15
"""Number of steps of z, and their root mean square in standard deviations."""


def found_automatically(model: Model, start: Tensor, objective: Objective) -> Tensor:
    """The mask for the objective of a run, (1, 1, h, w)."""
    with torch.enable_grad():
        if model.decode_code is None:
            map_ = _of_pixels(start, objective)
        else:
            map_ = _of_code(model, model.decode_code, start, objective)
    return feathered(widened((map_ >= SHARE * map_.amax()).float()))


def _of_code(
    model: Model, decode: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, objective: Objective
) -> Tensor:
    first = model.encode(start)
    assert first is not None, "a model that decodes a code has one"
    project = objective.of_code(model, ("z",))

    def projected(z: Tensor) -> Tensor:
        return z if project is None else project({"z": first}, {"z": z})["z"]

    z = projected(first)
    if torch.equal(z, first):  # no loss of z is a goal
        z = projected(_descended(model, decode, first, objective))
    with torch.no_grad():
        (mean, spread), (moved, _) = decode(first), decode(z)
        return ((moved - mean).abs() / spread).amax(dim=1, keepdim=True)


def _descended(
    model: Model, decode: Callable[[Tensor], tuple[Tensor, Tensor]], z: Tensor, objective: Objective
) -> Tensor:
    root = torch.eye(z.shape[1], device=z.device) if model.code_root is None else model.code_root.to(z)
    for _ in range(_STEPS):
        leaf = z.detach().requires_grad_(True)
        (g,) = torch.autograd.grad(objective.loss(decode(leaf)[0]).sum(), leaf)
        step = g @ root.T
        z = z - _STEP * z.shape[1] ** 0.5 * step / step.norm().clamp_min(1e-12) @ root
    return z


def _of_pixels(start: Tensor, objective: Objective) -> Tensor:
    leaf = start.detach().requires_grad_(True)
    (g,) = torch.autograd.grad(objective.loss(leaf).sum(), leaf)
    side = max(start.shape[-1] // 16, 1) | 1
    squared = F.pad(g.square().sum(dim=1, keepdim=True), [side // 2] * 4, mode="replicate")
    smooth: Tensor = F.avg_pool2d(squared, side, stride=1).sqrt()
    return smooth
