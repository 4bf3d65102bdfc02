"""The optimisation loop: take the gradient, update the variables, sample again.

It is an iterator of frames, so that progress, previews, saving, stopping and going on belong to the caller.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import GradientMethod
from adjointdeis.gradients.discrete import DiscreteAdjoint
from adjointdeis.gradients.problem import Problem
from adjointdeis.guide.counted_model import CountedModel
from adjointdeis.guide.evaluation import Evaluation, Evaluator
from adjointdeis.guide.html import FrameSummary, strip_and_curve, summarised
from adjointdeis.guide.norm_prior import norm_prior
from adjointdeis.guide.objective import Losses, Objective
from adjointdeis.guide.optimizers import OptimizerFactory, Recipe
from adjointdeis.guide.step_options import StepOptions
from adjointdeis.guide.stopping import BatchStatus, Status, StopOptions
from adjointdeis.guide.update import BatchUpdater, PerImageUpdater, Updater
from adjointdeis.guide.variables import Variables
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


class Frame(NamedTuple):
    """The sample after `step` updates.

    image (b, *x) and loss (b,) are those at `variables` (x_T, z, noises if they are optimised; a scheduled z by its
    stack, a structured z in its structure), so a run can be continued from the best frame. grad_norm is the length of
    the gradient there, by variable ("z.pooled" for a tensor of a structured z): empty after the last update, when none
    is taken. nfe is the number of network calls since the start, seconds the time.

    terms are the losses by name before their weights, and "shell", the norm prior; empty for a single loss without it.
    status is that of every image; halvings how often its rate was halved so far, after steps that were not finite.
    """

    step: int
    image: Tensor
    loss: Tensor
    grad_norm: dict[str, float]
    nfe: int
    seconds: float
    variables: dict[str, Any]
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
    rules: StepOptions = StepOptions(),
    stop: StopOptions = StopOptions(),
) -> Frames:
    """Lower the loss of the sample: frames 0 .. steps, where frame k is the sample after k updates.

    In SDE mode nearly all of the gradient is in the noises and in z, hardly any in x_T: use
    wrt=("noises", "z") there, ("x_T", "z") for the ODE. The gradients of the variables differ by orders of
    magnitude: with SGD give each its own rate, or normalize.

    After the last frame, or an exception such as a caller's own way to stop, `Frames.extend` and `next` go on there.

    Every image of a batch has its own gradient, length, rate and end, and one that fails does not stop the others.
    With L-BFGS, or a z that the images share, they step together.

    Args:
        model: net(t, x, z).
        sampler: the table.
        x_T: starting state (b, *x).
        z: conditioning, one a step if `Scheduled`, or None.
        loss_fn: image (b, *x) -> one value an image (b,); or several by name, each with its weight.
        noises: w_0 .. w_{N-1} for an SDE, as `encode` returns them; drawn once if None.
        gradient: how to differentiate.
        optimizer: "adam", "adamw", "sgd", or "lbfgs" (lr is its first trial, usually 1; several evaluations an update);
            or a function from parameter groups to a torch optimizer that treats entries independently.
        lr: learning rate > 0, one for all, or one for each variable by name. The tensors of a structured z have the
            names "z.pooled", "z.0"; a rate for "z" is that of all of them that have none.
        steps: number of updates, at least 0; with 0 the plain sample is the only frame.
        wrt: what is optimised, of "x_T", "z", "noises".
        rules: changes to gradients and steps: lengths, masks, the norm prior, halved rates.
        stop: when an image is finished; the loop ends early if all are.

    Raises:
        ValueError: an argument out of range, an unknown name, a rate missing for a variable.
        FloatingPointError: no image has a finite loss and gradient at the start. Later, or for some images only, their
            status is "failed", and they keep their last finite state.
    """
    _checked(steps)
    objective, counted = Objective(loss_fn), CountedModel(model)
    problem = Problem(counted, sampler, x_T, z, objective, noises, wrt)
    if "theta" in wrt:
        raise ValueError("guide steers x_T, z and noises; train theta with value_and_grad and your own optimizer.")
    variables = Variables(problem)
    rules.check(variables, sampler.grid.sigma[0])
    evaluator = Evaluator(variables, objective, gradient)
    updater = _updater(Recipe(optimizer, lr), variables, evaluator, rules)
    return Frames(updater, variables, evaluator, counted, rules, stop, steps)


def _updater(recipe: Recipe, variables: Variables, evaluator: Evaluator, options: StepOptions) -> Updater:
    optimizer = recipe.build(variables)
    if not isinstance(optimizer, torch.optim.LBFGS):
        return PerImageUpdater(optimizer, variables, evaluator, options)
    if options.normalize or options.clip is not None:
        raise ValueError(
            "L-BFGS needs the unchanged gradient, because its own line search finds the length; leave out normalize "
            "and clip."
        )
    return BatchUpdater(recipe, variables, evaluator, options)


class Frames(Iterator[Frame]):
    """Frames 0, 1, ... of one optimisation. As the last value of a notebook's cell it shows those taken so far.

    An exception of the model, the loss or `KeyboardInterrupt` does not end it: the update is undone, and the next call
    makes it again. `extend` adds updates, with the same state of the optimizer.

    Args:
        updater: makes an update.
        variables: what it moves.
        evaluator: the sample, its loss and gradient.
        counted: the model, which counts its calls.
        rules, stop: options.
        steps: number of updates, at least 0.
    """

    def __init__(
        self,
        updater: Updater,
        variables: Variables,
        evaluator: Evaluator,
        counted: CountedModel,
        rules: StepOptions,
        stop: StopOptions,
        steps: int,
    ) -> None:
        self._updater, self._variables, self._evaluator, self._counted = updater, variables, evaluator, counted
        self._rules, self._stop, self._steps = rules, stop, steps
        self._start, self._made = time.perf_counter(), 0
        self._found: Evaluation | None = None
        self._batch: BatchStatus | None = None
        self._summaries: list[FrameSummary] = []

    def extend(self, steps: int) -> None:
        """Make so many more updates, also after the last one.

        Raises:
            ValueError: steps is negative.
        """
        self._steps += _checked(steps)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these images only, in this order; the others cost nothing from now on.

        The loss gets a smaller batch. The images that stay keep their variables and the state of the optimizer. Options
        that hold tensors of a batch (masks, a projection) are the caller's to change with it.

        Args:
            rows: at least one index of an image in the present batch, none twice.

        Raises:
            ValueError: other indices, before the first frame, L-BFGS, images that share a variable, or a loss with a
                single value for the batch.
        """
        if self._found is None or self._batch is None:
            raise ValueError("Images can leave a batch after its first frame.")
        if not rows or len(set(rows)) != len(rows) or not set(rows) <= set(range(len(self._batch.status))):
            raise ValueError(f"keep takes indices of the {len(self._batch.status)} images, none twice; got {rows}.")
        if self._found.loss.dim() == 0:
            raise ValueError("Images can leave a batch only if the loss has one value an image.")
        self._updater.keep(rows)
        self._batch.keep(rows)
        self._found = self._evaluator.keep(rows, self._found)

    def __next__(self) -> Frame:
        """The frame after the next update."""
        if self._found is None or self._batch is None:
            found, batch = self._first()
        else:
            batch = self._batch
            if self._made > self._steps or not batch.moving.any():
                raise StopIteration
            # the last evaluation before `extend` had no gradient
            before = self._found if self._found.grads else self._evaluator()
            found = self._updater.update(before, batch, last=self._made == self._steps)
        self._found, self._batch, self._made = found, batch, self._made + 1
        batch.add_loss(found.loss)
        self._summaries.append(summarised(self._made - 1, found.loss, found.image))
        return self._frame(found, batch)

    def _repr_html_(self) -> str:
        """The frames so far, for notebooks: thumbnails of the first image and the curve of the mean loss."""
        return strip_and_curve(self._summaries)

    def _first(self) -> tuple[Evaluation, BatchStatus]:
        found = self._evaluator(with_gradient=self._steps > 0)
        batch = BatchStatus(found.finite, self._stop, self._rules.halvings, self._variables.coupled)
        if not batch.moving.any():
            raise found.error or FloatingPointError(f"The loss is not finite: {found.loss.flatten().tolist()}.")
        return found, batch

    def _frame(self, found: Evaluation, batch: BatchStatus) -> Frame:
        variables = self._variables
        terms = found.terms | ({"shell": norm_prior(variables["x_T"])} if self._rules.shell else {})
        return Frame(
            self._made - 1,
            found.image,
            found.loss,
            {name: _length(variables, name, found) for name in found.grads},
            self._counted.calls,
            time.perf_counter() - self._start,
            variables.public(),
            terms,
            tuple(batch.status),
            tuple(batch.halvings.tolist()),
        )


def _checked(steps: int) -> int:
    if steps < 0:
        raise ValueError(f"steps must be at least 0; got {steps}.")
    return steps


def _length(variables: Variables, name: str, found: Evaluation) -> float:
    """The length of the gradient of all images that have one."""
    rows = variables.rows(name, found.grads[name])
    return float(rows[found.finite.to(rows.device)].norm() if len(rows) == len(found.finite) else rows.norm())
