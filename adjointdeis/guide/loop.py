"""The loop: take the gradient, move the variables, sample again. A generator, so that progress, pictures, saving
and stopping belong to the caller.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import GradientMethod, check_wrt
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.guide.counted_model import CountedModel
from adjointdeis.guide.evaluation import Evaluate, Point
from adjointdeis.guide.norm_prior import shell_distance
from adjointdeis.guide.objective import Losses, Objective
from adjointdeis.guide.optimizers import OptimizerFactory, Recipe
from adjointdeis.guide.step_options import StepRules
from adjointdeis.guide.stopping import Status, StopRules, Track
from adjointdeis.guide.update import AllTogether, EachOnItsOwn, Mover
from adjointdeis.guide.variables import Variables
from adjointdeis.sample import check_noises, check_z
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


class Frame(NamedTuple):
    """The sample after `step` updates.

    image (b, *x) and loss (b,) belong to `variables` (x_T, z, noises as far as they are optimised; a scheduled z by its
    stack), so the best frame can be taken up again. grad_norm is the length of the gradient found here, by variable:
    empty after the last update, when none is taken. nfe counts network calls since the start, seconds the time.

    terms are the losses by name before their weights, and "shell"; empty for a single loss without shell. status says
    of every image whether it still moves; halvings how often its rate was halved so far, because a step led to where
    nothing was finite.
    """

    step: int
    image: Tensor
    loss: Tensor
    grad_norm: dict[str, float]
    nfe: int
    seconds: float
    variables: dict[str, Tensor]
    terms: Mapping[str, Tensor] = MappingProxyType({})
    status: tuple[Status, ...] = ()
    halvings: tuple[int, ...] = ()


def guide(
    model: Denoiser,
    sampler: Sampler,
    x_T: State,
    z: Conditioning,
    loss_fn: Losses,
    *,
    noises: Noises | Sequence[Tensor] | None = None,
    gradient: GradientMethod = DiscreteAdjoint(),
    optimizer: str | OptimizerFactory = "adam",
    lr: float | Mapping[str, float] = 1e-2,
    steps: int = 50,
    wrt: Sequence[str] = ("x_T", "z"),
    rules: StepRules = StepRules(),
    stop: StopRules = StopRules(),
) -> Iterator[Frame]:
    """Steer the sample down the loss: frames 0 .. steps, where frame k has had k updates.

    In SDE mode nearly all of the gradient is in the noises and in z, hardly any in x_T: use
    wrt=("noises", "z") there, ("x_T", "z") for the ODE. The gradients of the variables differ by orders of
    magnitude: with SGD give each its own rate, or normalize.

    Every image of a batch goes its own way: its own gradient, length, rate and end; one that fails leaves the others
    going. Only with L-BFGS, or a z that the images share, do they step as one.

    Args:
        model: net(t, x, z).
        sampler: the table.
        x_T: starting state (b, *x).
        z: conditioning, one a step if `Scheduled`, or None.
        loss_fn: image (b, *x) -> one value an image (b,); or several by name, each with its weight.
        noises: w_0 .. w_{N-1} for an SDE, as `encode` gives them; drawn once if None.
        gradient: how to differentiate.
        optimizer: "adam", "adamw", "sgd", or "lbfgs" (lr is its first trial, usually 1; several evaluations an update);
            or a function from parameter groups to a torch optimizer that treats entries independently.
        lr: learning rate > 0, one for all, or one for each variable by name.
        steps: number of updates, at least 0; with 0 the plain sample is the only frame.
        wrt: what is optimised, of "x_T", "z", "noises".
        rules: what is done to gradients and steps: lengths, masks, shell, backing off.
        stop: when an image has moved enough; the last frame comes early if all have.

    Raises:
        ValueError: an argument out of range, an unknown name, a rate missing for a variable.
        FloatingPointError: no image has a finite loss and gradient at the start. Later, or for some images only, that
            is a status, and the last good state is kept.
    """
    if steps < 0:
        raise ValueError(f"steps must be at least 0; got {steps}.")
    check_wrt(wrt, sampler)
    if "theta" in wrt:
        raise ValueError("guide steers x_T, z and noises; train theta with value_and_grad and your own optimizer.")
    check_z(sampler, z)
    variables = Variables(x_T, z, check_noises(sampler, x_T, noises), wrt)
    rules.check(variables, sampler.grid.sigma[0])
    objective, counted = Objective(loss_fn), CountedModel(model)
    evaluate = Evaluate(counted, sampler, variables, objective, gradient)
    mover = _mover(Recipe(optimizer, lr), variables, evaluate, rules)
    return _steer(mover, variables, evaluate, counted, rules, stop, steps)


def _mover(recipe: Recipe, variables: Variables, evaluate: Evaluate, rules: StepRules) -> Mover:
    optimizer = recipe.build(variables)
    if not isinstance(optimizer, torch.optim.LBFGS):
        return EachOnItsOwn(optimizer, variables, evaluate, rules)
    if rules.normalize or rules.clip is not None:
        raise ValueError(
            "L-BFGS needs the gradient as it is, its own line search finds the length; leave out normalize and clip."
        )
    return AllTogether(recipe, variables, evaluate, rules)


def _steer(
    mover: Mover,
    variables: Variables,
    evaluate: Evaluate,
    counted: CountedModel,
    rules: StepRules,
    stop: StopRules,
    steps: int,
) -> Iterator[Frame]:
    start = time.perf_counter()
    point = evaluate(with_gradient=steps > 0)
    track = Track(point.finite, stop, rules.halvings, variables.coupled)
    if not track.moving.any():
        raise point.error or FloatingPointError(f"The loss is not finite: {point.loss.flatten().tolist()}.")
    for k in range(steps + 1):
        track.saw(point.loss)
        terms = point.terms | ({"shell": shell_distance(variables["x_T"])} if rules.shell else {})
        yield Frame(
            k,
            point.image,
            point.loss,
            {name: _length(variables, name, point) for name in point.grads},
            counted.calls,
            time.perf_counter() - start,
            variables.copies(),
            terms,
            tuple(track.status),
            tuple(track.halvings.tolist()),
        )
        if k == steps or not track.moving.any():
            return
        point = mover.move(point, track, last=k + 1 == steps)


def _length(variables: Variables, name: str, point: Point) -> float:
    """The length of the gradient of all images that have one."""
    rows = variables.rows(name, point.grads[name])
    return float(rows[point.finite.to(rows.device)].norm() if len(rows) == len(point.finite) else rows.norm())
