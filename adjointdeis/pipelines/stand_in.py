"""Objects that take the place of a pipeline's parts while its own code runs.

A scheduler's stand-in is a shallow copy of the recorded scheduler whose class is a subclass of the real one: all that
a pipeline reads (sigmas, config, isinstance) is real, but `set_timesteps` does nothing, `scale_model_input` returns
its input (the state that the network is given is already scaled), and `step` ends the call with the network's output,
or hands on a given state. Its `timesteps` are the recorded ones, as a tensor whose iteration visits the wanted times
only. Where the pipeline's loop begins with `if self.interrupt: continue`, the other times are visited with the
interruption set, which costs nothing and leaves the loop's index right.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor


class Done(BaseException):
    """Ends a pipeline's call; no `except Exception` catches it."""

    def __init__(self, value: Any) -> None:
        self.value = value


def ended(function: Callable[[], Any], otherwise: str) -> Any:
    """What a function raises as `Done`.

    Raises:
        ValueError: it returns without.
    """
    try:
        function()
    except Done as done:
        return done.value
    raise ValueError(otherwise)


@contextlib.contextmanager
def patched(target: Any, **values: Any) -> Iterator[None]:
    """Attributes of one instance for a while, past its own __setattr__."""
    own = vars(target)
    before = {name: own[name] for name in values if name in own}
    own.update(values)
    try:
        yield
    finally:
        for name in values:
            own.pop(name, None)
        own.update(before)


class Silent:
    """A progress bar that shows nothing."""

    def __init__(self, iterable: Iterable[Any] | None = None, *_: Any, **__: Any) -> None:
        self.iterable = () if iterable is None else iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def times(real: Tensor, visit: Callable[[Tensor], Iterator[Tensor]]) -> Tensor:
    """The tensor, with another iteration; its slices have it too."""
    kind = type("Times", (Tensor,), {"__iter__": lambda self: visit(self.as_subclass(Tensor))})
    return real.as_subclass(kind)


def scheduler(real: Any, timesteps: Tensor, index: int, step: Callable[..., Any]) -> Any:
    """The stand-in above.

    Args:
        real: the recorded scheduler; it is left unchanged.
        timesteps: what the pipeline reads as its times.
        index: the step that is asked for.
        step: takes the place of `step`, as step(model_output, timestep, sample, the rest by name).
    """
    kind = type(real)
    methods = {
        "set_timesteps": functools.wraps(kind.set_timesteps)(lambda self, *_, **__: None),
        "scale_model_input": lambda self, sample, *_, **__: sample,
        "step": functools.wraps(kind.step)(lambda self, *arguments, **named: step(*bound(real, arguments, named))),
        "set_begin_index": lambda self, *_: None,
        "init_noise_sigma": property(lambda self: 1.0),
        "__module__": kind.__module__,
    }
    new = copy.copy(real)
    new.timesteps = timesteps
    if hasattr(real, "_step_index"):
        new._step_index = index  # Euler's scale_model_input and some pipelines read it
    new.__class__ = type(kind.__name__, (kind,), methods)
    return new


def watched(real: Any, step: Callable[..., Any]) -> Any:
    """A copy of a scheduler whose `step` is step(own, model_output, timestep, sample, the rest by name)."""
    new = copy.deepcopy(real)
    own = new.step

    @functools.wraps(own)
    def replaced(*arguments: Any, **named: Any) -> Any:
        return step(own, *bound(real, arguments, named))

    new.step = replaced
    return new


def bound(scheduler: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Output, time and state of a call of `step`, and its other arguments by name."""
    rest = dict(inspect.signature(type(scheduler).step).bind(scheduler, *arguments, **named).arguments)
    rest.pop("self")
    return rest.pop("model_output"), rest.pop("timestep"), rest.pop("sample"), rest


def released(scheduler: Any) -> Any:
    """A copy of a watched scheduler as it is now, with its own `step`."""
    new = copy.copy(scheduler)
    vars(new).pop("step", None)
    return copy.deepcopy(new)


class Decoder:
    """Replaces a VAE: decode() ends the pipeline's call and hands over the latents, in float32."""

    def __init__(self, real: Any, dtype: Any) -> None:
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "dtype", dtype)

    @property
    def __class__(self) -> Any:
        """The real one's, for isinstance."""
        return type(object.__getattribute__(self, "_real"))

    @__class__.setter
    def __class__(self, _: Any) -> None:
        """Not settable."""

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_real"), name)

    def decode(self, latents: Tensor, *_: Any, **__: Any) -> Any:
        """Ends the call."""
        raise Done(latents)
