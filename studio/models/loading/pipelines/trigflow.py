"""A consistency model of trigonometric flow as a rectified flow, so that every sampler of the studio can use it.

Its states are y_t = cos(t) y_0 + sin(t) d w, its network predicts v = cos(t) d w - sin(t) y_0, w ~ N(0, I), d the
standard deviation of the data (Lu and Song 2024, arXiv 2410.11081). With s = sin(t) / (cos(t) + sin(t)), the state

    x_s = y_t / (d (cos(t) + sin(t))) = (1 - s) y_0 / d + s w

is one of a rectified flow, whose velocity is w - y_0 / d = ((cos(t) + sin(t)) v + (sin(t) - cos(t)) y_t) / d
(the inverse of SANA-Sprint's transformation, Chen et al. 2025, arXiv 2503.09641, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from torch import Tensor

TRAINING_TIMES = 1000
"""The time of a rectified flow's network is `TRAINING_TIMES` s."""


@dataclass(frozen=True)
class TrigFlow:
    """The velocity of the rectified flow.

    Args:
        model: the network of trigonometric flow, called with t in radians and y_t.
        deviation: d.
    """

    model: Any
    deviation: float

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None, /) -> Tensor:
        """w - y_0 / d, for t = 1000 s."""
        s = t.double().reshape(-1, *(1,) * (x.dim() - 1)) / TRAINING_TIMES
        angle = torch.atan2(s, 1 - s)
        cos, sin = (value.to(x.dtype) for value in (angle.cos(), angle.sin()))
        y = x * self.deviation * (cos + sin)
        v: Tensor = self.model(angle.flatten().to(x.dtype), y, z)
        return ((cos + sin) * v + (sin - cos) * y) / self.deviation

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        """The parameters of the network."""
        yield from self.model.parameters()


def flow_scheduler(scheduler: Any) -> Any:
    """The rectified flow's scheduler on the grid of an SCMScheduler after `set_timesteps`."""
    angles = scheduler.timesteps[:-1].double()
    s: Tensor = angles.sin() / (angles.cos() + angles.sin())
    make: Any = diffusers.FlowMatchEulerDiscreteScheduler
    flow = make(TRAINING_TIMES)
    flow.set_timesteps(sigmas=s.clamp(max=1.0).tolist())  # the first angle of diffusers, 1.57080, is above pi / 2
    return flow
