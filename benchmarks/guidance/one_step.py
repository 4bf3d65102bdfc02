"""Guidance that looks one step ahead: the rivals of gradients through the whole sampler.

At every step the image ahead is x0_hat(x_s, z) = a x_s + b net(t, x_s, z), and

    g   = dL(x0_hat) / dx_s, through the network                        DPS (Chung et al., 2209.14687)
    x_t = (the sampler's step from x_s) - l_i g / |g|,        l_i = strength sqrt(n) w_i / (N R)

so that a whole run moves by at most `strength` a pixel. On top of that

    travel   go back from x_t to x_s and make the step again, R times   FreeDoM (Yu et al., 2303.09833)
    mean     x0_hat itself moves down dL/dx0_hat, some times, without the network, and x_t by alpha_t times as much
                                                                        TFG (Ye et al., 2409.15761)
    with_z   z moves, too: z - l_i g_z / |g_z|                          not in those papers; their models have no z

The way back from x_t to x_s is made with the noise that leads from the unguided x_t to x_s. So nothing changes where
nothing guides, as with the recorded noises of the sampler itself: in favour of the rivals, who draw it afresh and
lose the picture that is to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis import Denoiser, Sampler
from adjointdeis.denoiser import to_x0
from adjointdeis.sample import call, follow
from losses import Loss


@dataclass(frozen=True)
class OneStep:
    """How to guide.

    Args:
        travel: R, how often each step is made, at least 1.
        mean: updates of x0_hat in each step, at least 0.
        with_z: whether z moves, too.
        rising: w_i = alpha_s, which trusts late steps more (TFG's "increase"), instead of w_i = 1.
    """

    travel: int = 1
    mean: int = 0
    with_z: bool = False
    rising: bool = False

    def sample(
        self,
        model: Denoiser,
        sampler: Sampler,
        start: tuple[Tensor, Tensor, Tensor | None],
        loss: Loss,
        strength: Tensor,
    ) -> Tensor:
        """The guided image (b, *x), at R network calls a step.

        Args:
            model: net(t, x, z).
            sampler: a table of first order.
            start: x_T (b, *x), z (b, d), and the noises (N, b, *x) of an SDE.
            loss: image -> (b,).
            strength: of each image, (b,).

        Raises:
            NotImplementedError: a sampler of second order, whose history does not know that x has moved.
        """
        if sampler.order != 1:
            raise NotImplementedError("Guidance of single steps needs a sampler of order 1.")
        x, z, noises = start
        for i in range(sampler.steps):
            noise = None if noises is None else noises[i]
            for again in reversed(range(self.travel)):
                x_t, free, z = self._step(model, sampler, i, (x, z, noise), loss, strength)
                # x_s = ratio x_t + noise; the noise is that of the unguided step
                x = x_t if not again else x + sampler.grid.alpha[i] / sampler.grid.alpha[i + 1] * (x_t - free)
        return x

    def _step(
        self,
        model: Denoiser,
        sampler: Sampler,
        i: int,
        at: tuple[Tensor, Tensor, Tensor | None],
        loss: Loss,
        strength: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The guided x_t, the unguided one, and z."""
        (x, z, noise), grid, row = at, sampler.grid, sampler.rows[i]
        a, b = to_x0(sampler.prediction_type, grid.alpha[i], grid.sigma[i])
        with torch.enable_grad():
            x, z = x.detach().requires_grad_(), z.detach().requires_grad_()
            output = call(model, row.time, x, z)
            x0_hat = a * x + b * output
            g_x, g_z = torch.autograd.grad(loss(x0_hat).sum(), [x, z], materialize_grads=True)
        x, z, output, x0_hat = x.detach(), z.detach(), output.detach(), x0_hat.detach()
        share = strength * (grid.alpha[i] if self.rising else 1.0) / (sampler.steps * self.travel)
        free, _ = follow(row, x, output, (), noise)
        x_t = free + _down(g_x, share)
        if self.mean:
            x_t = x_t + grid.alpha[i + 1] * self._mean_shift(x0_hat, loss, share)
        return x_t, free, z + _down(g_z, share) if self.with_z else z

    def _mean_shift(self, x0_hat: Tensor, loss: Loss, share: Tensor) -> Tensor:
        moved = x0_hat
        for _ in range(self.mean):
            with torch.enable_grad():
                moved = moved.detach().requires_grad_()
                (g,) = torch.autograd.grad(loss(moved).sum(), moved)
            moved = moved.detach() + _down(g, share / self.mean)
        return moved - x0_hat


def _down(g: Tensor, share: Tensor) -> Tensor:
    """A shift down g (b, *x), of length share sqrt(n)."""
    rows = g.flatten(1)
    scale = share * rows.shape[1] ** 0.5 / rows.norm(dim=1).clamp_min(torch.finfo(g.dtype).tiny)
    shift: Tensor = -g * scale.view(-1, *[1] * (g.dim() - 1))
    return shift
