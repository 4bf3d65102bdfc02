"""What an adapter has to be given."""

from __future__ import annotations

from torch import Tensor


def needed(z: Tensor | None, kind: str, what: str) -> Tensor:
    """z itself.

    Raises:
        ValueError: there is no z.
    """
    if z is None:
        raise ValueError(f"A {kind} network needs {what} as z; got None.")
    return z
