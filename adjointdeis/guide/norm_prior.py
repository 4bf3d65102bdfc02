"""A prior on the length of x_T: pure noise lies on a thin shell of radius sqrt(d).

x_T ~ N(0, I) in d dimensions has a length r = |x_T| of density p(r) ~ r^(d-1) exp(-r^2 / 2), the chi distribution,
whose mode is sqrt(d - 1) and whose width is below 1 for every d. Steering x_T freely leaves that shell, and the network
was trained on it alone. The negative logarithm of p is the regulariser

    R(x_T) = r^2 / 2 - (d - 1) log r,        dR/dx_T = x_T (1 - (d - 1) / r^2)

of ReNO (Eyring et al. 2024, 2406.04312, sec. 3) and D-Flow (Ben-Hamu et al. 2024, 2402.14017, sec. 3.4); it was
introduced by Samuel et al. 2023 (2306.08687). It depends on the length alone: rotating x_T does not change it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from adjointdeis.shapes import State, Values


def norm_prior(x_T: State) -> Values:
    """R(x_T) less its smallest value, >= 0, one value an image: 0 on the shell, about (r - sqrt(d))^2 near it."""
    excess, d = _excess(x_T)
    # written in r^2 / (d - 1) - 1, because R itself is a small difference of large numbers
    return d / 2 * (excess - torch.log1p(excess))


def norm_prior_gradient(x_T: State) -> State:
    """dR/dx_T (b, *x): outwards outside the shell, inwards inside it."""
    excess, _ = _excess(x_T)
    factor = excess / (1 + excess)
    return x_T * factor.view(-1, *[1] * (x_T.dim() - 1))


def _excess(x_T: State) -> tuple[Tensor, int]:
    """r^2 / (d - 1) - 1 for every image, and d - 1."""
    d = max(x_T[0].numel() - 1, 1)
    return x_T.flatten(1).square().sum(1) / d - 1, d
