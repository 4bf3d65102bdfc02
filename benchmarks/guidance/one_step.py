"""Guidance of single steps: published alternatives to gradients through the whole sampler.

In every step, with the predicted image x0_hat(x_s, z) = a x_s + b net(t, x_s, z),

    g   = dL(x0_hat) / dx_s, through the network                        DPS (Chung et al., 2209.14687)
    x_t = (the sampler's step from x_s) - l_i g / |g|,        l_i = strength sqrt(n) w_i / (N R)

so the total change is at most `strength` per pixel. Options:

    travel   return from x_t to x_s and repeat the step, R times        FreeDoM (Yu et al., 2303.09833)
    mean     several updates of x0_hat by dL/dx0_hat, without network calls; x_t changes by alpha_t times the total
                                                                        TFG (Ye et al., 2409.15761)
    with_z   z is updated, too: z - l_i g_z / |g_z|                     not in these papers; their models have no z

The return from x_t to x_s uses the noise between the unguided x_t and x_s. So the sample is unchanged at strength 0, as
with the recorded noises of the sampler. The published methods draw new noise there, which would lose the image to edit.
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
    """The options of guidance. Rows on disk hold the fields, so their names must not change.

    Args:
        travel: R, how many times each step is made, at least 1.
        mean: updates of x0_hat in each step, at least 0.
        with_z: whether z is updated, too.
        rising: w_i = alpha_s, larger for late steps (TFG's "increase"), instead of w_i = 1.
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
        """The guided image (b, *x), with R network calls per step.

        Args:
            model: net(t, x, z).
            sampler: a table of first order.
            start: x_T (b, *x), z (b, d), and the noises (N, b, *x) of an SDE.
            loss: image -> (b,).
            strength: strength for each image, (b,).

        Raises:
            NotImplementedError: the sampler is of second order; its history would not include the change of x.
        """
        if sampler.order != 1:
            raise NotImplementedError(
                f"Guidance of single steps needs a sampler of order 1; got order {sampler.order}."
            )
        x, z, noises = start
        for i in range(sampler.steps):
            noise = None if noises is None else noises[i]
            for remaining in reversed(range(self.travel)):
                x_t, unguided, z = self._step(model, sampler, i, (x, z, noise), loss, strength)
                # x_s = ratio x_t + noise; the noise is that of the unguided step
                ratio = sampler.grid.alpha[i] / sampler.grid.alpha[i + 1]
                x = x_t if not remaining else x + ratio * (x_t - unguided)
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
        """The guided x_t, the unguided x_t, and z."""
        (x, z, noise), grid, row = at, sampler.grid, sampler.rows[i]
        a, b = to_x0(sampler.prediction_type, grid.alpha[i], grid.sigma[i])
        with torch.enable_grad():
            x, z = x.detach().requires_grad_(), z.detach().requires_grad_()
            output = call(model, row.time, x, z)
            x0_hat = a * x + b * output
            g_x, g_z = torch.autograd.grad(loss(x0_hat).sum(), [x, z], materialize_grads=True)
        x, z, output, x0_hat = x.detach(), z.detach(), output.detach(), x0_hat.detach()
        share = strength * (grid.alpha[i] if self.rising else 1.0) / (sampler.steps * self.travel)
        unguided, _ = follow(row, x, output, (), noise)
        x_t = unguided + _step_along(g_x, share)
        if self.mean:
            x_t = x_t + grid.alpha[i + 1] * self._mean_shift(x0_hat, loss, share)
        return x_t, unguided, z + _step_along(g_z, share) if self.with_z else z

    def _mean_shift(self, x0_hat: Tensor, loss: Loss, share: Tensor) -> Tensor:
        moved = x0_hat
        for _ in range(self.mean):
            with torch.enable_grad():
                moved = moved.detach().requires_grad_()
                (g,) = torch.autograd.grad(loss(moved).sum(), moved)
            moved = moved.detach() + _step_along(g, share / self.mean)
        return moved - x0_hat


def _step_along(g: Tensor, share: Tensor) -> Tensor:
    """-share sqrt(n) g / |g| for gradients g (b, *x) of n values each and share (b,)."""
    rows = g.flatten(1)
    scale = share * rows.shape[1] ** 0.5 / rows.norm(dim=1).clamp_min(torch.finfo(g.dtype).tiny)
    shift: Tensor = -g * scale.view(-1, *[1] * (g.dim() - 1))
    return shift
