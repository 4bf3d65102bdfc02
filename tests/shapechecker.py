"""The checker behind the shape annotations: shapes and kinds strictly; int for float, and any str for a Literal,
pass, because the code's own messages about those are under test.

A comparison of all shapes at every call took half of the time of these tests. So a function is checked once for each
combination of the types, shapes and dtypes of its arguments, and once for each kind of result that it returns for them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, Literal

import jaxtyping
import torch
from beartype import BeartypeConf, FrozenDict, beartype

check = beartype(
    conf=BeartypeConf(
        is_pep484_tower=True,
        hint_overrides=FrozenDict(
            {
                Literal["noise", "data", "flow"]: str,
                Literal["midpoint", "exact", "unipc-bh1", "unipc-bh2"]: str,
                Literal["scheduler", "sigma_min", "zero"]: str,
                Literal["independent", "posterior"]: str,
                Literal["stored", "resolved"]: str,
                Literal["epsilon", "sample", "v_prediction", "flow_prediction"]: str,
            }
        ),
    )
)

_SHAPED = re.compile(r"\b(Float|State|Noises|Values)\b")
_jaxtyped = jaxtyping.jaxtyped


_passed: dict[Any, dict[Any, set[Any]]] = {}  # code of a function -> kinds of its arguments -> kinds of its results


def _checked(fn: Any, *, typechecker: Callable[..., Any]) -> Any:
    if not inspect.isfunction(fn):
        return _jaxtyped(fn, typechecker=typechecker)
    passed = _passed.setdefault(fn.__code__, {})
    results: list[Any] = []  # of a call that was made unchecked: to be checked, not computed again

    @functools.wraps(fn)
    def body(*args: Any, **kwargs: Any) -> Any:
        return results.pop() if results else fn(*args, **kwargs)

    @functools.cache
    def checked() -> Callable[..., Any]:
        if inspect.isgeneratorfunction(fn):
            # without a type checker jaxtyping would stop checking, everywhere, the type that a generator yields
            return _jaxtyped(fn, typechecker=typechecker)
        if any(_SHAPED.search(str(annotation)) for annotation in fn.__annotations__.values()):
            return _jaxtyped(typechecker(body), typechecker=None)
        return typechecker(body)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if jaxtyping.config.jaxtyping_disable:
            return fn(*args, **kwargs)
        asked = (*map(_kind, args), *kwargs, *map(_kind, kwargs.values()))
        kinds = passed.get(asked)
        if kinds is None:
            result = checked()(*args, **kwargs)
            passed[asked] = {_kind(result)}
            return result
        result = fn(*args, **kwargs)
        if _kind(result) not in kinds:
            results.append(result)
            checked()(*args, **kwargs)
            kinds.add(_kind(result))
        return result

    @functools.wraps(fn)
    def generate(*args: Any, **kwargs: Any) -> Any:
        return (yield from call(*args, **kwargs))

    # torch.no_grad() holds within a generator only where it sees that it decorates one
    return generate if inspect.isgeneratorfunction(fn) else call


def _kind(value: Any) -> Any:
    """What a check depends on: types, and for tensors shapes and dtypes, also within tuples, lists and dictionaries."""
    kind = type(value)
    within = _within(kind)
    return kind if within is None else within(value)


@functools.cache
def _within(kind: type) -> Callable[[Any], Any] | None:
    """What a check depends on in values of a type; None for the type alone."""
    if issubclass(kind, torch.Tensor):
        return lambda value: (value.shape, value.dtype)
    if kind is str:
        return lambda value: value
    if issubclass(kind, (tuple, list)):
        # of many values of one annotation beartype itself looks at one
        return lambda value: (kind, *map(_kind, value if len(value) < 9 else (value[0], value[-1])))
    if kind is dict:
        return lambda value: (kind, *value, *map(_kind, value.values()))
    return None


def jaxtyped(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    """What the import hook of jaxtyping decorates with, in place of `jaxtyping.jaxtyped`."""
    return functools.partial(_checked, typechecker=typechecker)
