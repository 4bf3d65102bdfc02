"""Greedy-DiM (Blasingame & Liu, 2404.06025): the noise prediction of every step is optimised by the loss of x0_hat.

    eps <- argmin_eps L(x0_hat),     x0_hat = (x_t - sigma_t eps) / alpha_t,     by some updates of Adam from eps_hat.

x0_hat is linear in eps, so the network is called once per step, as without guidance. Sampling continues with eps.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from adjointdeis import Denoiser, Sampler, prepared
from adjointdeis.denoiser import to_x0
from adjointdeis.gradients.precomputed import Prepare
from adjointdeis.sample import History, call, follow
from losses import Loss
from studio.runs.interpolation import Code

Better = Callable[[Tensor, Tensor, float, float], Tensor]
"""eps_hat, x_t, alpha_t, sigma_t -> eps."""


def greedy_sample(
    model: Denoiser, sampler: Sampler, start: Code, better: Better, prepare: Prepare | None = None
) -> Tensor:
    """The image of a sampler in which every eps_hat is replaced by `better`; `prepare` as in `Precomputed`.

    Raises:
        NotImplementedError: the network predicts something other than eps.
    """
    if sampler.prediction_type != "epsilon":
        raise NotImplementedError(
            f"Greedy guidance changes eps, so the network must predict it; it predicts {sampler.prediction_type!r}."
        )
    x, history = start.x_T, History()
    z = prepared(prepare, start.z)
    for i, row in enumerate(sampler.rows):
        with torch.no_grad():
            eps = call(model, row.time, x, z)
        eps = better(eps, x, sampler.grid.alpha[i], sampler.grid.sigma[i])
        x, history = follow(row, x, eps, history, None if start.noises is None else start.noises[i])
    return x


def by_adam(loss: Loss, updates: int, rate: float) -> Better:
    """Adam updates of eps_hat; for each image the result with the lowest loss, which may be eps_hat itself."""

    def better(eps_hat: Tensor, x_t: Tensor, alpha_t: float, sigma_t: float) -> Tensor:
        a, b = to_x0("epsilon", alpha_t, sigma_t)
        eps = eps_hat.clone().requires_grad_()
        optimizer = torch.optim.Adam([eps], lr=rate, eps=1e-16)
        best, least = eps_hat, eps_hat.new_full((len(eps_hat),), float("inf"))
        for k in range(updates + 1):
            with torch.enable_grad():
                value = loss(a * x_t + b * eps)
                (eps.grad,) = torch.autograd.grad(value.sum(), eps)
            lower = value.detach() < least
            best = torch.where(lower.view(-1, 1, 1, 1), eps.detach(), best).clone()
            least = torch.where(lower, value.detach(), least)
            if k < updates:
                optimizer.step()
        return best

    return better
