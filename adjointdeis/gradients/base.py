"""The contract of the gradient methods, and the code they share.

How to differentiate is an argument (`guide(..., gradient=Unrolled())`). `GradientMethod` is what callers rely on;
`CheckedMethod` implements it for the methods of this package: they define `_differentiate(problem)` alone.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, cast, final, runtime_checkable

from torch import Tensor

from adjointdeis.conditioning import leaves
from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.nan_tracer import NanTracer
from adjointdeis.gradients.problem import LossFn, Problem
from adjointdeis.gradients.vjp import NetworkVJP
from adjointdeis.sample import check_noises, check_state, check_z, iterate
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State, Values

Signature = TypeVar("Signature", bound=Callable[..., Any])


class LossAndGradients(NamedTuple):
    """loss (b,), image (b, *x), and grads: a tensor for "x_T", "z", "noises"; a dict by name for "theta".

    Each gradient has the shape of its variable; that of a scheduled z is (N, *z), dL/dz_i by step.
    """

    loss: Tensor
    image: Tensor
    grads: dict[str, Any]


class NotFinite(FloatingPointError):
    """The loss or a gradient is not finite. The message names the step; `result` is right for the other images."""

    def __init__(self, message: str, result: LossAndGradients) -> None:
        super().__init__(message)
        self.result = result


class UnsuitedSampler(ValueError):
    """A gradient method cannot differentiate this sampler, with any network; the message is the reason."""


@runtime_checkable
class GradientMethod(Protocol):
    """DiscreteAdjoint (the default), SubgridAdjoint, ContinuousAdjoint, Reversible, OffTheShelf, Unrolled, Precomputed.

    Any other object with this method can be used instead. A method that does not sample by the sampler's table also
    has `sample`, with the arguments of `adjointdeis.sample`; its last state is the image of `value_and_grad`.
    """

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
        """Sample, take the loss, and differentiate it.

        Args:
            model: net(t, x, z).
            sampler: the table.
            x_T: starting state (b, *x).
            z: conditioning, one a step if `Scheduled`; "z" in `wrt` has no effect where it is None.
            loss_fn: image (b, *x) -> one value an image (b,); of a batch of one also a single value.
            noises: w_0 .. w_{N-1} for an SDE; drawn once if None.
            wrt: names out of "x_T", "z", "noises", "theta".

        Raises:
            ValueError: an unknown name in `wrt`, noises of an ODE, no parameter that requires a gradient, a loss of
                the wrong shape, a scheduled z whose length is not the number of steps.
            NotFinite: the image, the loss or a gradient is not finite. The message names the step where that began;
                `result` is the whole result, in which the other images of the batch are right.
        """


def differentiate(problem: Problem, method: GradientMethod) -> LossAndGradients:
    """The problem, solved by any gradient method."""
    p = problem
    return method.value_and_grad(p.model, p.sampler, p.x_T, p.z, p.loss_fn, p.w, p.wrt)


def sampling(method: GradientMethod) -> Callable[..., Iterator[State]]:
    """How to sample the image that `method` differentiates: by its own `sample`, or by the sampler's table."""
    run: Callable[..., Iterator[State]] = getattr(method, "sample", iterate)
    return run


def _signature_of(known: Signature) -> Callable[[Callable[..., Any]], Signature]:
    """Give a function that passes all its arguments on the signature and the docstring of another."""
    return lambda function: cast(Signature, functools.wraps(known)(function))


class CheckedMethod(GradientMethod):
    """A gradient method that checks its request before `_differentiate`, and the result after it."""

    @final
    @_signature_of(GradientMethod.value_and_grad)
    def value_and_grad(self, *request: Any, **named: Any) -> LossAndGradients:
        """See GradientMethod, whose signature and docstring this has."""
        problem = Problem(*request, **named)
        return checked(self._differentiate(problem), problem, self._differentiate)

    @abstractmethod
    def _differentiate(self, problem: Problem) -> LossAndGradients:
        """The result, which need not be finite."""


class OwnSampler(ABC):
    """A gradient method whose image is not that of the sampler's table."""

    @final
    def sample(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        noises: Noises | Sequence[Tensor] | None = None,
    ) -> Iterator[State]:
        """The states x_0 = x_T, x_1, ..., x_N of the method's own sampler; the last is the image.

        Arguments are those of `adjointdeis.sample`, errors those of `value_and_grad`.
        """
        check_state(x_T, model)
        check_z(z, sampler.steps)
        return self._states(model, sampler, x_T, z, check_noises(sampler, x_T, noises))

    @abstractmethod
    def _states(
        self, model: Denoiser, sampler: Sampler, x_T: State, z: Conditioning, noises: Noises | None
    ) -> Iterator[State]:
        """`sample`, for arguments that were checked."""


def checked(
    result: LossAndGradients, problem: Problem, differentiate: Callable[[Problem], LossAndGradients]
) -> LossAndGradients:
    """The result, if all of it is finite.

    If it is not, the pass is made again by `differentiate` with every network call checked, to find the step. A pass
    whose result is finite costs nothing more.

    Raises:
        NotFinite: see GradientMethod.
    """
    try:
        return check_finite(result)
    except NotFinite as error:
        if where := NanTracer(problem).locate(differentiate):
            raise NotFinite(f"{where} {error}", result) from None
        raise


def gather(
    problem: Problem, loss: Values, image: State, g: State, g_w: Noises | None, network: NetworkVJP
) -> LossAndGradients:
    """The result of a pass, from g = dL/dx_T, g_w = dL/dw (None where it is not requested) and the network's sums."""
    grads: dict[str, Any] = {"x_T": g} if "x_T" in problem.wrt else {}
    if g_w is not None:
        grads["noises"] = g_w
    return LossAndGradients(loss, image, grads | network.grads())


def check_finite(result: LossAndGradients) -> LossAndGradients:
    """Raises NotFinite if the loss, the image or a gradient is not finite; returns the result unchanged."""
    if not result.loss.isfinite().all():
        raise NotFinite(f"The loss is not finite: {result.loss.flatten().tolist()}.", result)
    if not result.image.isfinite().all():
        raise NotFinite("The image is not finite.", result)
    for name, grad in result.grads.items():
        if not all(part.isfinite().all() for part in leaves(grad)):
            raise NotFinite(
                f"The gradient with respect to {name} is not finite; try fewer steps, a lower noise level or a "
                "network in float32.",
                result,
            )
    return result
