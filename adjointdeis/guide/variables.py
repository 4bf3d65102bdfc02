"""The optimised variables: copies of x_T, z and the noises, and the axis on which each holds the images of the batch.

x_T               (b, *x)       axis 0
noises            (N, b, *x)    axis 1
z                 (b, ...)      axis 0;  else the images share it
z, one a step     (N, b, ...)   axis 1;  else the images share it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from adjointdeis.conditioning import named, replaced, structure
from adjointdeis.gradients.problem import Problem
from adjointdeis.shapes import Scheduled


class Variables(dict[str, Tensor]):
    """By name, in the order of `wrt`; the caller's tensors never change.

    Args:
        start: the problem at the starting values. Its `wrt` names the variables; a z that is None is left out.

    Raises:
        ValueError: there is no variable, or one is in half precision.
    """

    def __init__(self, start: Problem) -> None:
        given: dict[str, dict[str, Tensor]] = {"x_T": {"x_T": start.x_T}, "z": named(start.z)}
        given["noises"] = {} if start.w is None else {"noises": start.w}
        super().__init__({key: v.detach().clone() for name in start.wrt for key, v in given[name].items()})
        if not self:
            raise ValueError("There is nothing to optimise: wrt names only z, and z is None.")
        for name, v in self.items():
            if torch.finfo(v.dtype).bits < 32:
                raise ValueError(
                    f"{name} is {v.dtype}, in which small steps round to nothing; steer {name}.float(), with the "
                    "network in HalfPrecision if it needs that."
                )
        self._z = [key for key in self if key in given["z"]]
        self._start = replace(start, wrt=tuple(name for name in start.wrt if given[name]))
        self._images = len(start.x_T)
        self._axis = {name: self._find_axis(name, v) for name, v in self.items()}

    @property
    def coupled(self) -> bool:
        """Whether the images of a batch share a variable."""
        return self._images > 1 and None in self._axis.values()

    def now(self) -> Problem:
        """The problem at the present values."""
        start = self._start
        z = replaced(start.z, [self[key] for key in self._z]) if self._z else start.z
        return replace(start, x_T=self.get("x_T", start.x_T), z=z, noises=self.get("noises", start.w))

    def by_name(self, grads: Mapping[str, Any]) -> dict[str, Tensor]:
        """Gradients of "x_T", "z" and "noises", with those of z by the names of its tensors."""
        flat: dict[str, Tensor] = {}
        for name, grad in grads.items():
            flat |= named(grad) if name == "z" else {name: grad}
        return flat

    def public(self) -> dict[str, Any]:
        """Copies of the present values of "x_T", "z" (in its structure) and "noises"."""
        found: dict[str, Any] = {key: v.clone() for key, v in self.items() if key not in self._z}
        if self._z:
            found["z"] = structure(replaced(self._start.z, [self[key].clone() for key in self._z]))
        return {name: found[name] for name in self._start.wrt}

    def keep(self, rows: Sequence[int]) -> None:
        """Leave out all images but these; every variable is a new tensor.

        Raises:
            ValueError: the images share a variable.
        """
        if self.coupled:
            raise ValueError("Images that share a variable cannot be left out of the batch.")
        start = self._start
        fixed = named(start.z)
        stepwise = isinstance(start.z, Scheduled)
        chosen = [self._rows_of(v, 1 if stepwise else 0, rows) for v in fixed.values()]
        noises = None if start.w is None else self._rows_of(start.w, 1, rows)
        z = replaced(start.z, chosen) if fixed else start.z
        self._start = replace(start, x_T=self._rows_of(start.x_T, 0, rows), z=z, noises=noises)
        for name, v in self.items():
            self[name] = self.rows_of(name, v, rows)
        self._images = len(rows)

    def rows_of(self, name: str, v: Tensor, rows: Sequence[int]) -> Tensor:
        """Of a tensor of the variable's shape, the part of these images."""
        axis = self._axis[name]
        return v if axis is None else v.index_select(axis, torch.tensor(rows, device=v.device))

    def _rows_of(self, v: Tensor, axis: int, rows: Sequence[int]) -> Tensor:
        """Some images of a tensor that holds those of the batch on this axis; a tensor that they share as it is."""
        if v.dim() <= axis or v.shape[axis] != self._images:
            return v
        return v.index_select(axis, torch.tensor(rows, device=v.device))

    def copies(self) -> dict[str, Tensor]:
        """Copies of the present values, by name."""
        return {name: v.clone() for name, v in self.items()}

    def put(self, values: Mapping[str, Tensor]) -> None:
        """Set the values, in place."""
        for name, v in self.items():
            v.copy_(values[name])

    def rows(self, name: str, v: Tensor) -> Tensor:
        """A tensor of the variable's shape, one row an image: (b, n), or (1, n) where they share it."""
        axis = self._axis[name]
        return v.reshape(1, -1) if axis is None else v.movedim(axis, 0).flatten(1)

    def lengths(self, name: str, v: Tensor) -> Tensor:
        """The length of every image's part, (b,), or (1,)."""
        rows = self.rows(name, v)
        # a gradient may be too small to be squared
        largest = rows.abs().amax(1).clamp_min(torch.finfo(v.dtype).tiny)
        return largest * (rows / largest[:, None]).square().sum(1).sqrt()

    def spread(self, name: str, values: Tensor) -> Tensor:
        """One value an image, broadcast over the variable; where they share it, the smallest above 0 of all."""
        v, axis = self[name], self._axis[name]
        values = values.to(v)
        if axis is None:
            # 0 if all are 0, else the smallest of the images that move
            shared: Tensor = torch.where(values > 0, values, float("inf")).min()
            return shared.nan_to_num(0.0, 0.0)
        shape = [1] * v.dim()
        shape[axis] = self._images
        return values.view(shape)

    def _find_axis(self, name: str, v: Tensor) -> int | None:
        stepwise = name == "noises" or (name in self._z and isinstance(self._start.z, Scheduled))
        axis = 1 if stepwise else 0
        return axis if v.dim() > axis and v.shape[axis] == self._images else None
