"""The check that a conditional network has its conditioning."""

from __future__ import annotations

from torch import Tensor


def required(z: Tensor | None, kind: str, embedding: str) -> Tensor:
    """Return z.

    Raises:
        ValueError: z is None.
    """
    if z is None:
        raise ValueError(f"A {kind} network needs {embedding} as z; got None.")
    return z
