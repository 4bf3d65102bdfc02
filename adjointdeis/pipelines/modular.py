"""A ModularPipeline as a function of time, state and embeddings.

Its denoising loop is a LoopSequentialPipelineBlocks, whose `loop_step(components, block_state, i, t)` runs sub-blocks.
One run, ended at the first `loop_step`, gives the loop, the components and the block state. The network's output at
step i is what the sub-blocks, called without their no_grad decorators on a copy of that block state with x_t and the
tensors of z, pass to the scheduler. The index is an argument, so guiders with start and stop and flow maps work as
they are.

The blocks up to the text encoder run once; what they add to the pipeline's state is kept.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from adjointdeis.pipelines import stand_in
from adjointdeis.pipelines.recorder import recorder
from adjointdeis.pipelines.stand_in import Done, Silent, ended, patched
from adjointdeis.pipelines.start import Run, Start, Step


class Modular:
    """The adapter of a ModularPipeline; arguments as those of Standard."""

    def __init__(self, pipe: Any, call: Mapping[str, Any], steps: int, wrt: tuple[str, ...]) -> None:
        self.pipe, self.wrt, self.given = pipe, wrt, call
        self.call = {**call, "num_inference_steps": steps}
        self.lock = threading.RLock()
        self.blocks = once_encoded(pipe._blocks)
        self.loops = list(loops(pipe._blocks))
        if not self.loops:
            raise ValueError(
                f"{type(pipe).__name__} has no denoising loop among its blocks; build it from blocks that denoise."
            )
        self.start = self._first_step()

    def _first_step(self) -> Start:
        def loop_step(loop: Any, components: Any, block_state: Any, *, i: int, t: Tensor) -> None:
            raise Done((loop, copied(block_state), stand_in.released(components.scheduler)))

        self.loop, self.state, scheduler = self._ended(loop_step, {})
        times = self.state.timesteps
        z = {name: self._known(name) for name in self.wrt}
        found = self._step_arguments(scheduler, times, z)
        return Start(scheduler, times, self.state.latents.detach(), found, z)

    def _step_arguments(self, scheduler: Any, times: Tensor, z: Mapping[str, Any]) -> Mapping[str, Any]:
        self.start = Start(scheduler, times, self.state.latents, {}, dict(z))
        with torch.no_grad():
            arguments: Mapping[str, Any] = self._stepped(0, self.state.latents, z)[1]
        return {name: value for name, value in arguments.items() if name != "generator"}

    def _known(self, name: str) -> Any:
        fields = getattr(self.state, "denoiser_input_fields", None) or {}
        value = getattr(self.state, name, None)
        value = fields.get(name) if value is None else value
        if value is None:
            known = {k for k, v in {**vars(self.state), **fields}.items() if "embeds" in k and v is not None}
            raise ValueError(
                f"wrt names {name!r}, which the denoising loop of {type(self.pipe).__name__} is not given; "
                f"use one of {', '.join(sorted(known)) or 'its embeddings'}."
            )
        return value

    def at(self, steps: int, call: Mapping[str, Any]) -> Modular:
        """The same pipeline on another grid; its prompts are not encoded again."""
        new = copy.copy(self)
        new.given, new.call = {**self.given, **call}, {**self.call, **call, "num_inference_steps": steps}
        new.start = new._first_step()
        return new

    def network(self, index: int, x: Tensor, z: Mapping[str, Any], time: Tensor | None = None) -> Tensor:
        """The network's output at step `index`, or with its options at another time."""
        output: Tensor = self._stepped(index, x, z, time)[0]
        return output

    def _stepped(
        self, index: int, x: Tensor, z: Mapping[str, Any], time: Tensor | None = None
    ) -> tuple[Tensor, Mapping[str, Any]]:
        state = copied(self.state)
        state.latents = x
        fields = getattr(state, "denoiser_input_fields", None)
        for name, value in z.items():
            if hasattr(state, name):
                setattr(state, name, value)
            if isinstance(fields, dict) and name in fields:
                fields[name] = value

        def step(output: Tensor, _: Any, __: Tensor, named: dict[str, Any]) -> None:
            raise Done((output, named))

        start = self.start
        scheduler = stand_in.scheduler(start.scheduler, start.timesteps, index, step)
        with self.lock, patched(self.pipe, scheduler=scheduler):
            result: tuple[Tensor, Mapping[str, Any]] = ended(
                functools.partial(self._blocks, state, index, start.timesteps[index] if time is None else time),
                f"The loop of {type(self.pipe).__name__} has no step of pipe.scheduler; use blocks that call it.",
            )
        return result

    def _blocks(self, state: Any, index: int, time: Tensor) -> None:
        for block in self.loop.sub_blocks.values():
            call = type(block).__call__
            call = getattr(call, "__wrapped__", call)
            _, state = call(block, self.pipe, state, i=index, t=time)

    def draw(self, generator: torch.Generator | None) -> Tensor:
        """y_0."""

        def loop_step(_: Any, __: Any, block_state: Any, **___: Any) -> None:
            raise Done(block_state.latents)

        latents: Tensor = self._ended(loop_step, {"generator": generator})
        return latents.detach()

    def decoder_input(self, y: Tensor) -> Tensor:
        """What the VAE is given."""

        def loop_step(loop: Any, components: Any, block_state: Any, **_: Any) -> tuple[Any, Any]:
            for output in loop.intermediate_outputs:  # diffusers refuses a state that lacks one
                if not hasattr(block_state, output.name):
                    setattr(block_state, output.name, None)
            block_state.latents = y
            return components, block_state

        vae = stand_in.Decoder(self.pipe.vae, torch.float32)
        found: Tensor = self._ended(loop_step, {}, vae=vae)
        return found

    @torch.no_grad()
    def run(self, generator: torch.Generator) -> Run:
        """The whole pipeline."""
        steps: list[Step] = []

        parts: dict[str, Any] = {"scheduler": recorder(self.pipe.scheduler, steps), "_blocks": self.blocks}
        if (vae := getattr(self.pipe, "vae", None)) is not None:
            parts["vae"] = stand_in.Decoder(vae, vae.dtype)
        decoded = None
        with self.lock, self._quiet(), patched(self.pipe, **parts):
            try:
                self.pipe(**self.call, generator=generator)
            except Done as done:
                decoded = done.value
        return Run(steps, decoded)

    def _ended(self, loop_step: Callable[..., Any], arguments: Mapping[str, Any], **parts: Any) -> Any:
        """A run with another `loop_step`, on a copy of the scheduler."""
        parts = {"scheduler": copy.deepcopy(self.pipe.scheduler), "_blocks": self.blocks, **parts}
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.lock)
            stack.enter_context(self._quiet())
            stack.enter_context(patched(self.pipe, **parts))
            for loop in self.loops:
                stack.enter_context(patched(loop, loop_step=functools.partial(loop_step, loop)))
            return ended(
                functools.partial(self.pipe, **self.call, **arguments),
                f"{type(self.pipe).__name__} ended before its denoising loop or its VAE; use blocks that have both.",
            )

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for loop in self.loops:
                stack.enter_context(patched(loop, progress_bar=Silent))
            yield


class Once:
    """A block that runs once; afterwards it sets what it changed of the pipeline's state then.

    Args:
        block: of a pipeline.
    """

    def __init__(self, block: Any) -> None:
        self._block = block
        self._changes: list[tuple[str, Any, str | None]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._block, name)

    def __call__(self, pipeline: Any, state: Any) -> tuple[Any, Any]:
        """Run, or repeat what the first run set."""
        if self._changes is None:
            before = dict(state.values)
            _, state = self._block(pipeline, state)
            kinds = {name: kind for kind, names in state.kwargs_mapping.items() for name in names}
            self._changes = [
                (name, value, kinds.get(name))
                for name, value in state.values.items()
                if name not in before or before[name] is not value
            ]
        else:
            for name, value, kind in self._changes:
                state.set(name, value, kind)
        return pipeline, state


def once_encoded(blocks: Any) -> Any:
    """A copy of a pipeline's blocks of which those up to the text encoder run once."""
    found = list(getattr(blocks, "sub_blocks", {}).items())
    encoders = [i for i, (_, block) in enumerate(found) if _has_text_encoder(block) and not any(loops(block))]
    if not encoders or hasattr(blocks, "select_block"):
        return blocks
    new = copy.copy(blocks)
    kept = {name: Once(block) if i <= encoders[-1] else block for i, (name, block) in enumerate(found)}
    new.sub_blocks = type(blocks.sub_blocks)(kept)
    return new


def _has_text_encoder(block: Any) -> bool:
    return any("text_encoder" in component.name for component in block.expected_components)


def loops(block: Any) -> Iterator[Any]:
    """The denoising loops among a pipeline's blocks."""
    if hasattr(block, "loop_step"):
        yield block
        return
    for inner in getattr(block, "sub_blocks", {}).values():
        yield from loops(inner)


def copied(block_state: Any) -> Any:
    """A copy of the block state and of the dictionaries in it; the tensors are shared."""
    new = copy.copy(block_state)
    for name, value in vars(block_state).items():
        if isinstance(value, dict):
            setattr(new, name, dict(value))
    return new
