"""Find the step in which a value first is not finite: run a pass again with every network call checked.

This happens only after a result was not finite, so a pass with a finite result costs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from adjointdeis.conditioning import leaves
from adjointdeis.denoiser import tensor_of
from adjointdeis.gradients.network_parameters import trainable
from adjointdeis.gradients.problem import Problem
from adjointdeis.shapes import Conditioning


class NotFiniteValue(FloatingPointError):
    """The first value that is not finite; the message names it and its step."""


class NanTracer:
    """The network and the loss of a problem, raising `NotFiniteValue` at the first value that is not finite."""

    def __init__(self, problem: Problem) -> None:
        self.model, self.problem = problem.model, problem
        self._last_call: str | None = None
        self._hooks: list[Any] = []

    def locate(self, differentiate: Callable[[Problem], object]) -> str | None:
        """A sentence that names the first value, in the problem's tensors or in the pass; None if all are finite."""
        p = self.problem
        theta = trainable(p.model) if "theta" in p.wrt else {}
        try:
            for name, given in (("x_T", p.x_T), ("z", p.z), ("noises", p.w)):
                for value in leaves(given):
                    _check(value, f"The given {name} is not finite.")
            for name, parameter in theta.items():
                self._hook(parameter, partial(self._check_gradient, name))
            differentiate(replace(p, model=self, loss_fn=self._loss_fn))
        except NotFiniteValue as error:
            return str(error)
        finally:
            for hook in self._hooks:
                hook.remove()
        return f"The gradient is finite up to the network at {self._last_call}." if self._last_call else None

    def __call__(self, t: Tensor, x: Tensor, z: Conditioning) -> Tensor:
        """The network's output, unchanged."""
        where = self._describe(t)
        _check(x, f"The state at {where} is not finite.")
        output = tensor_of(self.model(t, x, z))
        _check(output, f"The network's output at {where} is not finite.")
        if output.requires_grad:
            self._hook(output, partial(self._check_cotangent, where))
            for name, v in [("x", x), *(("z", v) for v in leaves(z))]:
                if v.requires_grad:
                    self._hook(v, partial(self._check_gradient, name))
        return output

    def _loss_fn(self, image: Tensor) -> Tensor:
        _check(image, "The image is not finite, though every output of the network is.")
        if image.requires_grad:
            self._hook(image, partial(_check, message="The gradient of the loss at the image is not finite."))
        return self.problem.loss_fn(image)

    def _hook(self, v: Any, check: Callable[[Tensor], None]) -> None:
        self._hooks.append(v.register_hook(check))

    def _describe(self, t: Tensor) -> str:
        """The sampler's step at this time, or the time alone between the sampler's nodes."""
        sampler, time = self.problem.sampler, float(t[0])
        times = sampler.grid.times
        i = min(range(len(times)), key=lambda k: abs(times[k] - time))
        rounding = torch.finfo(t.dtype).eps * abs(time) if t.is_floating_point() else 0
        if i < sampler.steps and abs(times[i] - time) <= rounding:
            return f"step {i + 1} of {sampler.steps} (t = {time:.4g})"
        return f"t = {time:.4g}"

    def _check_cotangent(self, where: str, cotangent: Tensor) -> None:
        _check(cotangent, f"The gradient is not finite when it reaches {where}.")
        self._last_call = where

    def _check_gradient(self, name: str, grad: Tensor) -> None:
        _check(grad, f"The gradient with respect to {name} is not finite behind the network at {self._last_call}.")


def _check(value: Tensor, message: str) -> None:
    if not value.isfinite().all():
        raise NotFiniteValue(message)
