"""How the variables are updated: settings -> arguments of `guide`.

    normalised   m <- 0.6 m + 0.4 g / |g|,           v <- v - rate sqrt(n) m        n: entries of v
    the same, for a goal with lengths c at which gradients are clipped
                 m <- 0.6 m + 0.4 g min(1/c, 1/|g|), v <- v - rate sqrt(n) m
                 for z in coordinates u with z = u P, P the root of the covariance of z over training images, if known
    adam, sgd    torch's own, at the rates as they are

A rate of the normalised kind is therefore the root-mean-square change of an entry in one update, as Adam's is
approximately, but the step keeps the gradient's direction. Adam moves every entry by about the same amount, also where
the gradient is small, which changes the background of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis import OptimizerFactory, StepRules
from studio.core.errors import UserError
from studio.core.settings import Settings

_MOMENTUM = 0.6


class StepOptions(NamedTuple):
    """Arguments of `guide`."""

    optimizer: str | OptimizerFactory
    lr: dict[str, float]
    wrt: tuple[str, ...]
    rules: StepRules


def step_options(settings: Settings, start: Mapping[str, Tensor | None], root: Tensor | None = None) -> StepOptions:
    """Optimiser, learning rates, variables and rules for these settings.

    Args:
        settings: rates, optimiser, what is optimised, SDE or ODE.
        start: x_T (b, ...), z (b, ...) and noises (N, b, ...); None for those that do not exist.
        root: P of z, (d, d); None if it is not known.

    Raises:
        UserError: only z is to be optimised, and this model has none.
    """
    noise = "noises" if settings.mode == "sde" else "x_T"
    wanted = {"both": (noise, "z"), "noise": (noise,), "z": ("z",)}[settings.variables]
    moving = {name: v for name in wanted if (v := start[name]) is not None}
    if not moving:
        raise UserError("This model has no code z to move: let “Optimised variables” be the noise, or both.")
    rates = {name: settings.z_rate if name == "z" else settings.noise_rate for name in moving}
    if settings.optimiser != "normalised":
        return StepOptions(settings.optimiser, rates, tuple(rates), StepRules())
    lengths = {name: rates[name] * sqrt(_entries(name, v)) for name, v in moving.items()}
    if not (clip := settings.goal.clip):
        return StepOptions(_averaged, lengths, tuple(rates), StepRules(normalize=True))
    longest = {name: clip[name] for name in moving}
    lengths = {name: length / longest[name] for name, length in lengths.items()}
    metric = {"z": root} if root is not None and "z" in moving else {}
    return StepOptions(_averaged, lengths, tuple(rates), StepRules(clip=longest, metric=metric))


def _entries(name: str, v: Tensor) -> int:
    """Number of entries of one image."""
    return v.numel() // v.shape[1 if name == "noises" else 0]


def _averaged(groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, momentum=_MOMENTUM, dampening=_MOMENTUM)
