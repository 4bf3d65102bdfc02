"""`CodePath`: the codes between the begin of a run and its result, at any strength t.

    z, t in [0, 1]   at the share t of the length of the recorded path z_0 .. z_n, linear between two updates
    z, t above 1     z_n + (t - 1) (z_n - z_0)
    noises           w_0 + t v, then as a step from z_0 to z changes them

with v what the optimiser added to the noises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from adjointdeis.guide.step_options import Projection
from studio.runs.interpolation import Code, slerp


@dataclass(frozen=True)
class CodePath:
    """The codes of a run.

    Args:
        first: of the first picture of a chain; of a run that is no chain, `begin`.
        begin: where the run began.
        project: what changes the noises after a step of z, or None.
    """

    first: Code
    begin: Code
    project: Projection | None

    def at(self, strength: float, codes: Sequence[Any], state: Mapping[str, Any]) -> Code | None:
        """The code at a strength of at least 0; None where z is more than one tensor.

        Args:
            strength: 1 is the result.
            codes: z after each update up to the result; None where z is not optimised.
            state: the variables of the result.
        """
        begin, end = self.begin, self.begin._replace(**state)
        if not all(z is None or isinstance(z, Tensor) for z in (begin.z, end.z)):
            return None
        if strength == 1:
            return end
        z = begin.z if "z" not in state else _along(codes, strength)
        x_T = begin.x_T if "x_T" not in state else slerp(begin.x_T, end.x_T, strength)
        return Code(z, x_T, self._noises(strength, z, end))

    def _noises(self, strength: float, z: Tensor | None, end: Code) -> Tensor | None:
        begin = self.begin
        if begin.noises is None or end.noises is None:
            return None
        if self.project is None or begin.z is None or end.z is None or z is None:
            return torch.lerp(begin.noises, end.noises, strength)
        before = {"z": begin.z, "noises": begin.noises}
        own = end.noises - self.project(before, {"z": end.z, "noises": begin.noises})["noises"]
        return self.project(before, {"z": z, "noises": begin.noises + strength * own})["noises"]


def _along(codes: Sequence[Tensor], strength: float) -> Tensor:
    if strength > 1:
        return codes[-1] + (strength - 1) * (codes[-1] - codes[0])
    lengths = [float((after - before).norm()) for before, after in pairwise(codes)]
    left = strength * sum(lengths)
    for length, before, after in zip(lengths, codes, codes[1:], strict=False):
        if length and left <= length:
            return torch.lerp(before, after, left / length)
        left -= length
    return codes[-1]
