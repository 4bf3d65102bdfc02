"""The request that every gradient method answers, checked once.

    dL / d(wrt),    L = loss_fn(x_N),    x_N the image that `sampler` makes of x_T, z and the noises

The variables in `wrt` are

    x_T      the starting state (b, *x)
    z        the conditioning: the same in every step, or one a step (Scheduled)
    noises   w_0 .. w_{N-1} of an SDE (N, b, *x)
    theta    the network's parameters that require a gradient, by name (gradients/network_parameters.py)

With one loss value an image, the gradient is that of their sum, so every image gets its own gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from adjointdeis.conditioning import check_has_gradient, check_z
from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.network_parameters import warn_of_train_mode
from adjointdeis.sample import check_noises, check_state, iterate
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State

LossFn = Callable[[Tensor], Tensor]
"""image (b, *x) -> one value an image (b,); of a batch of one also a single value."""

VARIABLES = ("x_T", "z", "noises", "theta")


@dataclass(frozen=True)
class Problem:
    """What is sampled, which loss is taken, and which variables it is differentiated by.

    Args:
        model: net(t, x, z).
        sampler: the table.
        x_T: starting state (b, *x).
        z: conditioning, one a step if `Scheduled`, or None.
        loss_fn: see LossFn.
        noises: w_0 .. w_{N-1} (N, b, *x), of an SDE only. A sequence is stacked; if None, they are drawn once.
        wrt: names out of "x_T", "z", "noises", "theta"; "z" has no effect where z is None.

    Raises:
        ValueError: an unknown name in `wrt`, noises of an ODE or of the wrong shape, a scheduled z whose length is not
            the number of steps.
    """

    model: Denoiser
    sampler: Sampler
    x_T: State
    z: Conditioning
    loss_fn: LossFn
    noises: Noises | Sequence[Tensor] | None = None
    wrt: Sequence[str] = ("x_T", "z")

    def __post_init__(self) -> None:
        check_wrt(self.wrt, self.sampler)
        check_state(self.x_T, self.model)
        check_z(self.z, self.sampler.steps)
        if "z" in self.wrt:
            check_has_gradient(self.z)
        warn_of_train_mode(self.model)
        # set once, so that a copy by `replace` has the same noises and draws no others
        object.__setattr__(self, "noises", check_noises(self.sampler, self.x_T, self.noises))

    @property
    def w(self) -> Noises | None:
        """The noises w_0 .. w_{N-1}, stacked (N, b, *x); None for an ODE."""
        return cast("Noises | None", self.noises)

    def states(self) -> Iterator[State]:
        """The states x_0 = x_T, x_1, ..., x_N of the sampler's table; the last is the image."""
        return iterate(self.model, self.sampler, self.x_T, self.z, self.w)

    def empty_noise_gradient(self) -> Noises | None:
        """Memory for dL/dw (N, b, *x), or None where it is not requested."""
        return torch.empty_like(self.w) if self.w is not None and "noises" in self.wrt else None


def check_wrt(wrt: Sequence[str], sampler: Sampler) -> None:
    """Raises ValueError for a name that is none of the four, or for noises of an ODE."""
    if isinstance(wrt, str) or not wrt:
        raise ValueError(f"wrt must be a tuple of names, such as ('x_T', 'z'); got {wrt!r}.")
    if unknown := [name for name in wrt if name not in VARIABLES]:
        raise ValueError(f"wrt may name {', '.join(VARIABLES)}; got {unknown[0]!r}.")
    if "noises" in wrt and not sampler.sde:
        raise ValueError("An ODE sampler has no noises to differentiate; use wrt=('x_T', 'z'), or sde=True.")
