"""A DiffusionPipeline as a function of time, state and embeddings.

The pipeline's own `__call__` runs, without its no_grad decorator, with stand-ins for three parts: the scheduler (ends
the call where the network's output is complete), `prepare_latents` (returns what it returned once, with x_t in place
of the latents) and, where the prompts are text, `encode_prompt` (returns what it returned once, with the tensors of
z). Guidance, time scaling, packing, ControlNets and LoRA are thereby the pipeline's own.

What `encode_prompt` returns has names in the caller only: they are read from the assignment that called it.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import functools
import inspect
import re
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor

from adjointdeis.pipelines import stand_in
from adjointdeis.pipelines.layout import Layout, derive
from adjointdeis.pipelines.recorder import recorder
from adjointdeis.pipelines.stand_in import Done, Silent, ended, patched
from adjointdeis.pipelines.start import Run, Start, Step

SKIPS = re.compile(r"if self\.interrupt:\s+continue")
"""In the source of a loop that can be entered in the middle; a loop that breaks there cannot."""


class Standard:
    """The adapter of a DiffusionPipeline.

    Args:
        pipe: the pipeline; nothing of it is changed between calls.
        call: the arguments of its call.
        steps: num_inference_steps.
        wrt: names of embeddings.
    """

    def __init__(self, pipe: Any, call: Mapping[str, Any], steps: int, wrt: tuple[str, ...]) -> None:
        self.pipe, self.given, self.call, self.wrt = pipe, call, dict(call), wrt
        self.names = inspect.signature(type(pipe).__call__).parameters
        self.call["num_inference_steps"] = steps
        if "output_type" in self.names:
            self.call["output_type"] = "latent"
        self.function: Any = inspect.unwrap(type(pipe).__call__, stop=_is_bare)
        self.interrupts = SKIPS.search(inspect.getsource(self.function)) is not None
        self.lock = threading.RLock()
        self.encoded: list[tuple[tuple[str, ...], Any]] = []
        self.prepared: Any = None
        self.entry: Layout | None = None
        self.start = self._first_step()
        self._find_entry()

    def at(self, steps: int, call: Mapping[str, Any]) -> Standard:
        """The same pipeline on another grid; its prompts are not encoded again."""
        new = copy.copy(self)
        new.given, new.call = {**self.given, **call}, {**self.call, **call, "num_inference_steps": steps}
        new.entry = None
        new.start = new._first_step()
        new._find_entry()
        return new

    # what the pipeline does by itself

    def _first_step(self) -> Start:
        """One run, ended at the first step, with what was prepared kept."""
        found: dict[str, Any] = {}

        def step(_: Any, __: Tensor, t: Any, sample: Tensor, named: dict[str, Any]) -> None:
            scheduler = stand_in.released(watched)
            raise Done((scheduler, sample.detach(), t, named))

        watched = stand_in.watched(self.pipe.scheduler, step)
        parts: dict[str, Any] = {"scheduler": watched}
        if hasattr(self.pipe, "prepare_latents"):
            parts["prepare_latents"] = kept_result(self.pipe.prepare_latents, found)
        if self.encoded:
            parts |= self.text(self.start.z)
        elif self._is_text():
            parts["encode_prompt"] = self._kept_encoding()
        with torch.no_grad():
            scheduler, state, t, arguments = self._ended(parts, {})
        self.prepared = found.get("result")
        times = scheduler.timesteps
        begin = int((times.double() - float(t)).abs().argmin())
        asked = getattr(scheduler, "num_inference_steps", None) or 0
        ends = len(times) == asked + 1  # the end of the last step is listed too
        return Start(scheduler, times[begin : len(times) - ends], state, arguments, self._z())

    def _is_text(self) -> bool:
        return hasattr(self.pipe, "encode_prompt") and any(name not in self.call for name in self.wrt)

    def _kept_encoding(self) -> Callable[..., Any]:
        own = self.pipe.encode_prompt

        @functools.wraps(own)
        def encode(*arguments: Any, **named: Any) -> Any:
            result = own(*arguments, **named)
            self.encoded.append((targets(self.function.__code__), result))
            return result

        return encode

    def _z(self) -> dict[str, Any]:
        known = {name: value for names, result in self.encoded for name, value in paired(names, result)}
        known |= {name: value for name, value in self.call.items() if name in self.wrt}
        missing = [name for name in self.wrt if known.get(name) is None]
        if missing:
            there = sorted(name for name, value in (known | self.call).items() if isinstance(value, Tensor))
            raise ValueError(
                f"wrt names {missing[0]!r}, which is no tensor of this call of {type(self.pipe).__name__}; "
                f"use one of {', '.join(there) or 'the embeddings, and pass them'}."
            )
        return {name: known[name] for name in self.wrt}

    def _find_entry(self) -> None:
        """How the state of the first step holds what `prepare_latents` returned, where the two differ."""
        if self.prepared is None:
            return
        latents, state = self.latents_of(self.prepared), self.start.state
        if latents.shape == state.shape and torch.equal(latents.to(state), state):
            return
        self.entry = derive(self._first_state, latents.detach())
        if self.entry is None:
            raise NotImplementedError(
                f"{type(self.pipe).__name__} changes the latents between prepare_latents and its first step in "
                "a way that "
                "is no rearrangement with a scale, so a state cannot be handed to it."
            )

    @torch.no_grad()
    def _first_state(self, latents: Tensor) -> Tensor:
        def step(_: Tensor, __: Any, sample: Tensor, ___: Any) -> None:
            raise Done(sample)

        state: Tensor = self._ended(self.parts(0, latents, self.start.z, step, entered=True), self.start.z)
        return state

    @staticmethod
    def latents_of(prepared: Any) -> Tensor:
        """The latents in what `prepare_latents` returned."""
        latents: Tensor = prepared[0] if isinstance(prepared, tuple) else prepared
        return latents

    # the pipeline with stand-ins

    def network(self, index: int, x: Tensor, z: Mapping[str, Any], time: Tensor | None = None) -> Tensor:
        """The network's output at step `index`, or with its options at another time."""

        def step(output: Tensor, *_: Any) -> None:
            raise Done(output)

        output: Tensor = self._ended(self.parts(index, x, z, step, time=time), z)
        return output

    def draw(self, generator: torch.Generator | None) -> Tensor:
        """y_0."""
        if not hasattr(self.pipe, "prepare_latents") or "generator" not in self.names:
            raise NotImplementedError(f"{type(self.pipe).__name__} has no prepare_latents; draw x_T with torch.randn.")
        own = self.pipe.prepare_latents

        @functools.wraps(own)
        def prepare(*arguments: Any, **named: Any) -> None:
            raise Done(own(*arguments, **named))

        parts = {"scheduler": stand_in.watched(self.pipe.scheduler, _never), "prepare_latents": prepare}
        with torch.no_grad():
            latents = self.latents_of(self._ended({**parts, **self.text(self.start.z)}, {"generator": generator}))
        return (latents if self.entry is None else self.entry.forward(latents)).to(self.start.state.dtype)

    @torch.no_grad()
    def decoder_input(self, y: Tensor) -> Tensor:
        """What the VAE is given."""
        pipe, z = self.pipe, {**self.start.z, **_output_type(self.names)}
        vae = stand_in.Decoder(pipe.vae, torch.float32)
        try:
            found = self._ended({**self.parts(None, y, z, _never), "vae": vae}, z)
        except NameError:  # what is decoded is named in the loop
            last = len(self.start.timesteps) - 1
            step = functools.partial(_both, y)
            found = self._ended({**self.parts(last, self.start.state, z, step), "vae": vae}, z)
        result: Tensor = found
        return result

    @torch.no_grad()
    def run(self, generator: torch.Generator) -> Run:
        """The whole pipeline."""
        steps: list[Step] = []

        parts: dict[str, Any] = {"scheduler": recorder(self.pipe.scheduler, steps), **self.text(self.start.z)}
        arguments = {"generator": generator} if "generator" in self.names else {}
        if (vae := getattr(self.pipe, "vae", None)) is not None:
            parts["vae"] = stand_in.Decoder(vae, vae.dtype)
            arguments |= _output_type(self.names)
        decoded = None
        try:
            self.called(parts, {**self.start.z, **arguments})
        except Done as done:
            decoded = done.value
        return Run(steps, decoded)

    def parts(
        self,
        index: int | None,
        x: Tensor,
        z: Mapping[str, Any],
        step: Callable[..., Any],
        entered: bool = False,
        time: Tensor | None = None,
    ) -> dict[str, Any]:
        """The stand-ins for one step, or for none if `index` is None."""
        start = self.start
        times = stand_in.times(start.scheduler.timesteps, functools.partial(self._visit, index, time))
        parts: dict[str, Any] = {
            "scheduler": stand_in.scheduler(start.scheduler, times, index or 0, step),
            **self.text(z),
        }
        if self.prepared is not None:
            latents = x
            if self.entry is not None and not entered:
                latents = self.entry.inverse(x).to(self.latents_of(self.prepared).dtype)
            parts["prepare_latents"] = _returns(
                (latents, *self.prepared[1:]) if isinstance(self.prepared, tuple) else latents
            )
        else:
            parts["_latents"] = x
        return parts

    def _visit(self, index: int | None, time: Tensor | None, times: Tensor) -> Iterator[Tensor]:
        if index is None:
            return
        wanted = float(self.start.timesteps[index])
        for t in times.unbind():
            found = float(t) == wanted
            if self.interrupts:
                vars(self.pipe)["_interrupt"] = not found
            if found or self.interrupts:
                yield time if found and time is not None else t
            if found:
                return

    def text(self, z: Mapping[str, Any]) -> dict[str, Any]:
        """The stand-in for `encode_prompt`, where prompts are text; else its own function, with gradients."""
        own = getattr(type(self.pipe), "encode_prompt", None)
        if not self.encoded:
            free = getattr(own, "__wrapped__", None)
            return {} if free is None else {"encode_prompt": functools.partial(free, self.pipe)}
        results = iter([exchanged(names, result, z) for names, result in self.encoded])
        return {"encode_prompt": functools.wraps(self.pipe.encode_prompt)(lambda *_, **__: next(results))}

    def _ended(self, parts: Mapping[str, Any], z: Mapping[str, Any]) -> Any:
        name = type(self.pipe).__name__
        return ended(
            functools.partial(self.called, parts, z),
            f"{name} ended before its scheduler's first step, so it has no loop that can be differentiated; use a "
            "pipeline that denoises with pipe.scheduler.",
        )

    def called(self, parts: Mapping[str, Any], z: Mapping[str, Any]) -> Any:
        """The pipeline's own call, past its no_grad, with stand-ins and with other arguments."""
        direct = {name: value for name, value in z.items() if name in self.names and not self._comes_from_text(name)}
        parts = dict(parts)
        if (x := parts.pop("_latents", None)) is not None:
            direct["latents"] = x
        with self.lock, patched(self.pipe, progress_bar=Silent, **parts):
            return self.function(self.pipe, **{**self.call, **direct})

    def _comes_from_text(self, name: str) -> bool:
        return name in self.wrt and name not in self.call


def kept_result(own: Callable[..., Any], found: dict[str, Any]) -> Callable[..., Any]:
    """The function, with its last result kept in `found`."""

    @functools.wraps(own)
    def function(*arguments: Any, **named: Any) -> Any:
        found["result"] = own(*arguments, **named)
        return found["result"]

    return function


@functools.cache
def assignments(code: CodeType) -> list[tuple[range, tuple[str, ...]]]:
    """The lines of every assignment of a function, and the names that it assigns."""
    lines, first = inspect.getsourcelines(code)
    found = []
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(textwrap.dedent("".join(lines)))):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                target = node.targets[0]
                parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
                names = tuple(getattr(part, "id", getattr(part, "attr", "")) for part in parts)
                found.append((range(node.lineno + first - 1, (node.end_lineno or node.lineno) + first), names))
    return found


def targets(code: CodeType) -> tuple[str, ...]:
    """The names that the line which a function is at, in this thread, assigns."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    if frame is None:
        return ()
    return next((names for lines, names in assignments(code) if frame.f_lineno in lines), ())


def paired(names: tuple[str, ...], result: Any) -> list[tuple[str, Any]]:
    """The results of a call by the names that they were assigned to."""
    values = result if isinstance(result, tuple) and len(names) > 1 else (result,)
    return list(zip(names, values, strict=False))


def exchanged(names: tuple[str, ...], result: Any, z: Mapping[str, Any]) -> Any:
    """The result of `encode_prompt` with the tensors of z."""
    values = [z.get(name, value) for name, value in paired(names, result)]
    return tuple(values) if isinstance(result, tuple) and len(names) > 1 else values[0] if values else result


def _returns(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def _never(*_: Any, **__: Any) -> None:
    raise RuntimeError("The pipeline reached a step that it should not reach.")


def _is_bare(function: Any) -> bool:
    """Whether a function is what no_grad was put around, which may itself be wrapped further."""
    return not hasattr(function, "__wrapped__")


class _Both(tuple[Tensor, Tensor]):
    """What `step` returns, by place and by name."""

    __slots__ = ()

    @property
    def prev_sample(self) -> Tensor:
        """The next state."""
        return self[0]


def _both(y: Tensor, *_: Any, **__: Any) -> _Both:
    return _Both((y, y))


def _output_type(names: Mapping[str, Any]) -> dict[str, Any]:
    return {"output_type": "pt"} if "output_type" in names else {}
