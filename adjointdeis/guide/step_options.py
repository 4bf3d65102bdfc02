"""From a gradient to a step: changes to the gradient before the optimizer, and to its step after it.

With g the gradient of one image and one variable v, in this order:

    shell        g_{x_T} + weight dR/dx_T           the norm prior (guide/norm_prior.py)
    priors       g + dR/dv                          R: any function of the variable
    masks        g where the mask is above 0, else 0
    metric       g P^T                              the gradient in coordinates u with v = u P
    normalize    g / |g|                            or
    clip         g min(1, longest / |g|)

The optimizer's step is a step in u, so v changes by  step P.  Of it the share  mask * 2^-halvings  is made, and then
`project` may change the variables. In a batch every image has its own |g| and its own halvings. A variable that the
images share (a z without a batch axis) has one |g|, and if one image fails, all do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from adjointdeis.guide.norm_prior import norm_prior_gradient
from adjointdeis.guide.optimizers import by_name
from adjointdeis.guide.variables import Variables

Prior = Callable[[Tensor], Tensor]
"""The value of a variable -> one value an image (b,), or one for all of them."""
Projection = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], Mapping[str, Tensor]]
"""Variables before and after a step, by name -> those that are to have another value."""


@dataclass(frozen=True)
class StepOptions:
    """How the loop steps; by default the optimizer gets the unchanged gradient.

    Args:
        normalize: scale every image's gradient of a variable to length 1, so that rates do not depend on the loss.
        clip: shorten gradients to this length > 0; one for all variables, or by name.
        masks: by variable, entries in [0, 1], broadcast to it: the share of the step that is made. Where it is 0 the
            variable stays unchanged, bit for bit.
        priors: by variable, a differentiable function whose gradient is added to that of the loss. The loss of a frame
            does not contain it.
        metric: by variable, a matrix P (d, d) for its last axis. With P the root of the covariance of the variable
            under its distribution, a step of length 1 is as probable in every direction.
        project: changes variables after each step.
        shell: weight >= 0 of the norm prior, which keeps x_T at the length of Gaussian noise. For a start at pure noise
            only.
        halvings: how often an image's rate is halved after steps that are not finite, before the image has failed and
            stays at its last finite state; >= 0.

    Raises:
        ValueError: an argument out of range, or both normalize and clip.
    """

    normalize: bool = False
    clip: float | Mapping[str, float] | None = None
    masks: Mapping[str, Tensor] = field(default_factory=dict)
    priors: Mapping[str, Prior] = field(default_factory=dict)
    metric: Mapping[str, Tensor] = field(default_factory=dict)
    project: Projection | None = None
    shell: float = 0.0
    halvings: int = 8

    def __post_init__(self) -> None:
        lengths = self.clip.values() if isinstance(self.clip, Mapping) else [] if self.clip is None else [self.clip]
        if not all(length > 0 for length in lengths):
            raise ValueError(f"clip must be a length above 0; got {self.clip}.")
        if self.normalize and self.clip is not None:
            raise ValueError("Gradients are normalized or clipped, not both: at length 1 there is nothing to clip.")
        if not 0 <= self.shell < float("inf"):
            raise ValueError(f"shell must be a weight of at least 0; got {self.shell}.")
        if self.halvings < 0:
            raise ValueError(f"halvings must be at least 0; got {self.halvings}.")
        for name, mask in self.masks.items():
            if not ((mask >= 0) & (mask <= 1)).all():
                raise ValueError(f"The mask of {name} must lie in [0, 1].")

    def check(self, variables: Variables, sigma_T: float) -> None:
        """Raises ValueError for options that do not fit the variables, or a start at sigma_T."""
        options = {"masks": self.masks, "clip": self.clip, "priors": self.priors, "metric": self.metric}
        for option, named in options.items():
            known = {*variables, *(name.partition(".")[0] for name in variables)}
            if isinstance(named, Mapping) and (unknown := set(named) - known):
                raise ValueError(f"{option} names {unknown.pop()}, but only {', '.join(variables)} move.")
        for name, mask in ((name, mask) for name in variables if (mask := by_name(self.masks, name)) is not None):
            shape = variables[name].shape
            try:
                mask.expand(shape)
            except RuntimeError:
                raise ValueError(
                    f"The mask of {name} must broadcast to it, {tuple(shape)}; got {tuple(mask.shape)}."
                ) from None
        for name, v in variables.items():
            square = (v.shape[-1],) * 2
            if (p := by_name(self.metric, name)) is not None and p.shape != square:
                raise ValueError(f"The metric of {name} must be {square}, for its last axis; got {tuple(p.shape)}.")
        if self.shell and "x_T" not in variables:
            raise ValueError("shell is a prior on x_T, but x_T does not move; name it in wrt, or leave shell at 0.")
        if self.shell and sigma_T < 0.9:
            raise ValueError(
                f"shell is for a start at pure noise, but sigma is {sigma_T:.2f} there: x_T still contains the image, "
                "and its length is not that of noise. Use noise_level=1, or leave shell at 0."
            )

    def gradients(self, grads: Mapping[str, Tensor], variables: Variables, moving: Tensor) -> dict[str, Tensor]:
        """The gradients for the optimizer: zero for images that do not move."""
        changed = {}
        for name, v in variables.items():
            g = grads[name]
            if self.shell and name == "x_T":
                g = g + self.shell * norm_prior_gradient(v)
            if (prior := by_name(self.priors, name)) is not None:
                g = g + _slope(prior, v)
            if (mask := by_name(self.masks, name)) is not None:
                g = torch.where(mask.to(g.device) > 0, g, 0.0)
            if (p := by_name(self.metric, name)) is not None:
                g = g @ p.to(g).T
            # not a product with zero, which would leave values that are not finite
            g = torch.where(variables.spread(name, moving) > 0, g, 0.0)
            changed[name] = g * variables.spread(name, self._factor(name, variables.lengths(name, g)))
        return changed

    def step(
        self, before: Mapping[str, Tensor], after: Mapping[str, Tensor], variables: Variables, rate: Tensor
    ) -> None:
        """Set the variables to before + mask * rate * (after - before), with rate (b,)."""
        for name, v in variables.items():
            share = variables.spread(name, rate).to(v)
            goal = after[name]
            if (p := by_name(self.metric, name)) is not None:
                goal = before[name] + (goal - before[name]) @ p.to(v)
            if (mask := by_name(self.masks, name)) is not None:
                share = share * mask.to(v)
            # a share of 0 must leave the value unchanged, even where the step is not finite
            v.copy_(torch.where(share == 0, before[name], torch.lerp(before[name], goal, share)))
        if self.project is not None:
            for name, value in self.project(before, variables).items():
                variables[name].copy_(value)

    def _factor(self, name: str, lengths: Tensor) -> Tensor:
        smallest = torch.finfo(lengths.dtype).tiny
        if self.normalize:
            return 1 / lengths.clamp_min(smallest)
        longest = by_name(self.clip, name) if isinstance(self.clip, Mapping) else self.clip
        if longest is None:
            return torch.ones_like(lengths)
        return (longest / lengths.clamp_min(smallest)).clamp_max(1)


def _slope(prior: Prior, v: Tensor) -> Tensor:
    """The gradient of the sum of a prior's values."""
    with torch.enable_grad():
        leaf = v.detach().requires_grad_(True)
        return torch.autograd.grad(prior(leaf).sum(), leaf)[0]


StepRules = StepOptions
"""The former name, kept for existing callers."""
