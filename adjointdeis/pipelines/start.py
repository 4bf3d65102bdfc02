"""What one run of a pipeline, ended at its first step, shows; and what a whole run does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor


class Start(NamedTuple):
    """A pipeline's first step.

    Args:
        scheduler: as it was before the step.
        timesteps: t_0 .. t_{N-1}.
        state: y_0, as the pipeline passes it to `step`.
        arguments: of `step`, beside output, time and state.
        z: the tensors that are differentiated, by name.
    """

    scheduler: Any
    timesteps: Tensor
    state: Tensor
    arguments: Mapping[str, Any]
    z: dict[str, Any]


class Step(NamedTuple):
    """One step of a whole run: time, state, the network's output, the next state, the noise that was drawn, if any."""

    time: float
    state: Tensor
    output: Tensor
    following: Tensor
    noise: Tensor | None


class Run(NamedTuple):
    """A whole run: its steps, and what its VAE was given to decode, or None without VAE."""

    steps: list[Step]
    decoded: Tensor | None


@runtime_checkable
class Adapter(Protocol):
    """One kind of pipeline: the functions that `from_pipeline` needs of it."""

    start: Start
    given: Mapping[str, Any]
    """The arguments of the pipeline's call, without the number of steps."""

    def at(self, steps: int, call: Mapping[str, Any]) -> Adapter:
        """The same pipeline and prompts with another number of steps, and other arguments where `call` has them."""

    def network(self, index: int, x: Tensor, z: Mapping[str, Any], time: Tensor | None = None) -> Tensor:
        """The output of the pipeline's network, guidance included, at step `index`; at another time if it is given."""

    def draw(self, generator: torch.Generator | None) -> Tensor:
        """y_0 from the pipeline's own random numbers."""

    def decoder_input(self, y: Tensor) -> Tensor:
        """What the pipeline gives its VAE for the last state y."""

    def run(self, generator: torch.Generator) -> Run:
        """The whole pipeline, up to its VAE."""
