"""Where did it stop being finite? A pass that went wrong, made again with every network call watched.

Asked only after a result was not finite, so that a pass that is right pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Scheduled


class Found(FloatingPointError):
    """The first value that is not finite, in a sentence."""


class NanTracer:
    """A network and a loss that raise `Found` at the first value that is not finite, forwards or backwards.

    Args:
        model: net(t, x, z).
        sampler: the table, whose steps the sentence names.
        loss_fn: image -> loss.
        theta: parameters whose gradients are watched.
    """

    def __init__(
        self, model: Denoiser, sampler: Sampler, loss_fn: Callable[[Tensor], Tensor], theta: dict[str, Tensor]
    ) -> None:
        self.model, self.sampler, self._loss_fn = model, sampler, loss_fn
        self._now: str | None = None
        self._hooks: list[Any] = []
        for name, p in theta.items():
            self._hook(p, partial(self._leave, name))

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """The network's own output."""
        where = self._where(t)
        _check(x, f"The state at {where} is not finite.")
        output = self.model(t, x, z)
        _check(output, f"The network's output at {where} is not finite.")
        if output.requires_grad:
            self._hook(output, partial(self._enter, where))
            for name, v in (("x", x), ("z", z)):
                if v is not None and v.requires_grad:
                    self._hook(v, partial(self._leave, name))
        return output

    def loss_fn(self, image: Tensor) -> Tensor:
        """The loss's own value."""
        _check(image, "The image is not finite, though every output of the network is.")
        if image.requires_grad:
            message = "The gradient of the loss at the image is not finite."
            self._hook(image, partial(_check, message=message))
        return self._loss_fn(image)

    def first(self, replay: Callable[[], object], **given: Tensor | Scheduled | None) -> str | None:
        """The sentence, after checking what was given and then the replay; None if all is finite this time."""
        try:
            for name, value in given.items():
                v = value.z if isinstance(value, Scheduled) else value
                if v is not None:
                    _check(v, f"The given {name} is not finite.")
            replay()
        except Found as found:
            return str(found)
        finally:
            for hook in self._hooks:
                hook.remove()
        return f"The gradient is finite up to the network at {self._now}." if self._now else None

    def _hook(self, v: Any, watch: Callable[[Tensor], None]) -> None:
        self._hooks.append(v.register_hook(watch))

    def _where(self, t: Tensor) -> str:
        """The step that calls at this time, or the time alone where it is on none of the sampler's nodes."""
        times, time = self.sampler.grid.times, float(t[0])
        i = min(range(len(times)), key=lambda k: abs(times[k] - time))
        rounding = torch.finfo(t.dtype).eps * abs(time) if t.is_floating_point() else 0
        told = f"t = {time:.4g}"
        if i < self.sampler.steps and abs(times[i] - time) <= rounding:
            return f"step {i + 1} of {self.sampler.steps} ({told})"
        return told

    def _enter(self, where: str, cotangent: Tensor) -> None:
        _check(cotangent, f"The gradient is not finite where it comes back to {where}.")
        self._now = where

    def _leave(self, name: str, grad: Tensor) -> None:
        _check(grad, f"The gradient with respect to {name} is not finite behind the network at {self._now}.")


def _check(value: Tensor, message: str) -> None:
    if not value.isfinite().all():
        raise Found(message)
