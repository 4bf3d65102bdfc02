"""A whole run of a pipeline, step by step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from adjointdeis.pipelines import stand_in
from adjointdeis.pipelines.start import Step
from adjointdeis.probe import drawing


def recorder(scheduler: Any, steps: list[Step]) -> Any:
    """A copy of a scheduler that appends each of its steps to a list."""

    def step(own: Callable[..., Any], output: Tensor, t: Any, sample: Tensor, rest: dict[str, Any]) -> Any:
        before = sample.clone()
        with drawn(scheduler) as noises:
            result = own(output, t, sample, **rest)
        following = result[0] if isinstance(result, tuple) else result.prev_sample
        steps.append(Step(float(t), before, output.clone(), following.clone(), noises[0] if noises else None))
        return result

    return stand_in.watched(scheduler, step)


@contextlib.contextmanager
def drawn(scheduler: Any) -> Iterator[list[Tensor]]:
    """A list that fills with what the scheduler's module draws through diffusers' randn_tensor."""
    noises: list[Tensor] = []

    def draw(own: Callable[..., Tensor], *arguments: Any, **named: Any) -> Tensor:
        noises.append(own(*arguments, **named))
        return noises[-1]

    with drawing(scheduler, draw):
        yield noises
