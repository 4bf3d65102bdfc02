"""The checker behind the shape annotations: shapes and kinds strictly; int for float, and any str for a Literal,
pass, because the code's own messages about those are under test.

jaxtyping compares the shapes of all arguments and of the result, which took half of the time of these tests
when it did so at every call. It is used for functions with a shape in their annotations; the others are checked by
beartype alone.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, Literal

import jaxtyping
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


def _checked(fn: Any, *, typechecker: Callable[..., Any]) -> Any:
    if not inspect.isfunction(fn) or inspect.isgeneratorfunction(fn):
        # without a type checker jaxtyping would stop checking, everywhere, the type that a generator yields
        return _jaxtyped(fn, typechecker=typechecker)
    checked = typechecker(fn)
    if any(_SHAPED.search(str(annotation)) for annotation in fn.__annotations__.values()):
        checked = _jaxtyped(checked, typechecker=None)

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (fn if jaxtyping.config.jaxtyping_disable else checked)(*args, **kwargs)

    return call


def jaxtyped(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    """What the import hook of jaxtyping decorates with, in place of `jaxtyping.jaxtyped`."""
    return functools.partial(_checked, typechecker=typechecker)
