"""What a reader may already use for gradients through a sampler, as gradient methods, so that they can be measured.

torch.utils.checkpoint around every step; torchdiffeq's odeint_adjoint on dy/drho = eps, y = x/alpha, rho = sigma/alpha;
torchsde's sdeint_adjoint on dy = 2 eps drho + sqrt(d rho^2) dW. Each on the sampler's own nodes, with every state
between them stored: the setting in which they do best.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torchdiffeq
import torchsde
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from adjointdeis import Denoiser, LossAndGradients, Sampler
from adjointdeis.gradients.base import leaf, recording
from adjointdeis.sample import call, step

LossFn = Callable[[Tensor], Tensor]
ENTROPY = 7


@dataclass(frozen=True)
class Checkpointed:
    """torch.utils.checkpoint around every step of a first-order sampler."""

    reentrant: bool = False

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: Tensor,
        z: Tensor,
        loss_fn: LossFn,
        noises: Tensor | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """As GradientMethod's."""
        with recording():
            x = start = leaf(x_T)
            z = leaf(z)
            for i, row in enumerate(sampler.rows):
                noise = None if noises is None else noises[i]

                def one(x: Tensor, z: Tensor, row: Any = row, noise: Tensor | None = noise) -> Tensor:
                    return step(row, model, x, z, (), noise)[0]

                x = checkpoint(one, x, z, use_reentrant=self.reentrant)
            loss = loss_fn(x)
            # the reentrant kind knows backward() alone
            loss.sum().backward()  # type: ignore[no-untyped-call]
        return _result(loss, x, start, z)


@dataclass(frozen=True)
class Torchdiffeq:
    """odeint_adjoint; `time` is lambda -> what the network is told."""

    method: str
    time: Callable[[float], float]
    tolerance: float = 1e-4

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: Tensor,
        z: Tensor,
        loss_fn: LossFn,
        noises: Tensor | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """As GradientMethod's."""
        grid = sampler.grid
        rho = torch.tensor(grid.rho, dtype=torch.float64)
        with recording():
            start, z = leaf(x_T), leaf(z)

            def field(rho: Tensor, y: Tensor) -> Tensor:
                return _eps(model, self.time, float(rho.detach()), y, z)

            path = torchdiffeq.odeint_adjoint(
                field,
                start / grid.alpha[0],
                rho,
                method=self.method,
                rtol=self.tolerance,
                atol=self.tolerance,
                adjoint_params=(z,),
            )
            image = grid.alpha[-1] * path[-1]
            loss = loss_fn(image)
            loss.sum().backward()  # type: ignore[no-untyped-call]
        return _result(loss, image, start, z)


@dataclass(frozen=True)
class Torchsde:
    """sdeint_adjoint by Euler-Maruyama over the steps' numbers u = 0 .. N, where step i has its own constant drift
    2 (rho_{i+1} - rho_i) eps and diffusion sqrt(rho_i^2 - rho_{i+1}^2): SDE-DPM-Solver-1, with `brownian`'s noises.
    """

    time: Callable[[float], float]

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: Tensor,
        z: Tensor,
        loss_fn: LossFn,
        noises: Tensor | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """As GradientMethod's."""
        grid = sampler.grid
        with recording():
            start, z = leaf(x_T), leaf(z)
            equation: Any = _Equation(model, grid.rho, self.time, x_T.shape, z)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that Ito's adjoint is slower; here its extra terms are zero
                path = torchsde.sdeint_adjoint(
                    equation,
                    (start / grid.alpha[0]).flatten(1),
                    torch.arange(sampler.steps + 1, dtype=x_T.dtype),
                    bm=brownian(sampler, x_T),
                    method="euler",
                    adjoint_method="euler",
                    dt=1.0,
                    adjoint_params=(z,),
                )
            image = grid.alpha[-1] * path[-1].view_as(x_T)
            loss = loss_fn(image)
            loss.sum().backward()  # type: ignore[no-untyped-call]
        return _result(loss, image, start, z)


class _Equation:
    noise_type, sde_type = "diagonal", "ito"

    def __init__(
        self, model: Denoiser, rho: Sequence[float], time: Callable[[float], float], shape: torch.Size, z: Tensor
    ) -> None:
        self.model, self.rho, self.time, self.shape, self.z = model, rho, time, shape, z

    def _step(self, u: Tensor) -> tuple[int, int]:
        """The step at u, and the node whose state is at hand: its noisier on the way there, its cleaner on the way back
        (which torchsde makes with gradients enabled).
        """
        node = round(float(u.detach()))
        back = torch.is_grad_enabled()
        return (max(node - 1, 0) if back else node), node  # 0 - 1: asked for a shape, before it starts

    def f(self, u: Tensor, y: Tensor) -> Tensor:
        i, node = self._step(u)
        eps = _eps(self.model, self.time, self.rho[node], y.view(self.shape), self.z)
        return 2 * (self.rho[i + 1] - self.rho[i]) * eps.flatten(1)

    def g(self, u: Tensor, y: Tensor) -> Tensor:
        i, _ = self._step(u)
        return 0 * y + math.sqrt(self.rho[i] ** 2 - self.rho[i + 1] ** 2)


def brownian(sampler: Sampler, x: Tensor) -> Any:
    """torchsde's Brownian motion, always the same one."""
    size = (len(x), x[0].numel())
    return torchsde.BrownianInterval(0.0, float(sampler.steps), size, dtype=x.dtype, device=x.device, entropy=ENTROPY)


def noises_of(sampler: Sampler, x: Tensor) -> Tensor:
    """Its increments, the noises of all SDE methods here (N, b, *x)."""
    motion = brownian(sampler, x)
    return torch.stack([motion(float(i), float(i + 1)).view_as(x) for i in range(sampler.steps)])


def _eps(model: Denoiser, time: Callable[[float], float], rho: float, y: Tensor, z: Tensor) -> Tensor:
    t = time(-math.log(rho)) if rho > 0 else 0.0
    alpha = 1 / math.hypot(1, rho)
    return call(model, t, (alpha * y).to(z.dtype), z).to(y.dtype)


def _result(loss: Tensor, image: Tensor, x_T: Tensor, z: Tensor) -> LossAndGradients:
    return LossAndGradients(loss.detach(), image.detach(), {"x_T": x_T.grad, "z": z.grad})
