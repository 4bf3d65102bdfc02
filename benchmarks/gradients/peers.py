"""Gradients by other libraries, as gradient methods, so that they can be measured.

Each is a differentiable sampler; the gradient is `backward()` through it. They use the sampler's grid and store the
state at every node, which is their fastest setting.

    checkpointed        torch.utils.checkpoint around every step
    torchdiffeq_ode     odeint_adjoint on dy/drho = eps, y = x / alpha, rho = sigma / alpha
    torchsde_sde        sdeint_adjoint on dy = 2 eps drho + sqrt(d rho^2) dW
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
from adjointdeis.gradients.problem import LossFn
from adjointdeis.sample import call, step

Clock = Callable[[float], float]
"""lambda -> the network's time."""
DifferentiableSampler = Callable[[Denoiser, Sampler, Tensor, Tensor, Tensor | None], Tensor]
"""(model, sampler, x_T, z, noises) -> image; differentiable in x_T and z."""
ENTROPY = 7


@dataclass(frozen=True)
class Peer:
    """The gradient method of a differentiable sampler."""

    sample: DifferentiableSampler

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
        """As that of `GradientMethod`, for x_T and z."""
        with torch.enable_grad():
            x_T, z = (value.detach().clone().requires_grad_() for value in (x_T, z))
            image = self.sample(model, sampler, x_T, z, noises)
            loss = loss_fn(image)
            # not torch.autograd.grad: reentrant checkpointing supports backward() only
            loss.sum().backward()  # type: ignore[no-untyped-call]
        return LossAndGradients(loss.detach(), image.detach(), {"x_T": x_T.grad, "z": z.grad})


def checkpointed(reentrant: bool = False) -> Peer:
    """torch.utils.checkpoint around every step of a first-order sampler."""

    def sample(model: Denoiser, sampler: Sampler, x: Tensor, z: Tensor, noises: Tensor | None) -> Tensor:
        for i, row in enumerate(sampler.rows):
            noise = None if noises is None else noises[i]

            def one(x: Tensor, z: Tensor, row: Any = row, noise: Tensor | None = noise) -> Tensor:
                return step(row, model, x, z, (), noise)[0]

            x = checkpoint(one, x, z, use_reentrant=reentrant)
        return x

    return Peer(sample)


def torchdiffeq_ode(method: str, time: Clock, tolerance: float = 1e-4) -> Peer:
    """odeint_adjoint with one of torchdiffeq's solvers."""

    def sample(model: Denoiser, sampler: Sampler, x_T: Tensor, z: Tensor, noises: Tensor | None) -> Tensor:
        grid = sampler.grid
        rho = torch.tensor(grid.rho, dtype=torch.float64)

        def field(rho: Tensor, y: Tensor) -> Tensor:
            return _eps(model, time, float(rho.detach()), y, z)

        path = torchdiffeq.odeint_adjoint(
            field, x_T / grid.alpha[0], rho, method=method, rtol=tolerance, atol=tolerance, adjoint_params=(z,)
        )
        image: Tensor = grid.alpha[-1] * path[-1]
        return image

    return Peer(sample)


def torchsde_sde(time: Clock) -> Peer:
    """sdeint_adjoint by Euler-Maruyama, equal to SDE-DPM-Solver-1 with the noises of `noises_of`.

    The equation's time u = 0 .. N counts the steps; step i has the constant drift 2 (rho_{i+1} - rho_i) eps and the
    constant diffusion sqrt(rho_i^2 - rho_{i+1}^2).
    """

    def sample(model: Denoiser, sampler: Sampler, x_T: Tensor, z: Tensor, noises: Tensor | None) -> Tensor:
        grid = sampler.grid
        equation: Any = _Equation(model, grid.rho, time, x_T.shape, z)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the speed of Ito's adjoint; its additional terms are zero here
            path = torchsde.sdeint_adjoint(
                equation,
                (x_T / grid.alpha[0]).flatten(1),
                torch.arange(sampler.steps + 1, dtype=x_T.dtype),
                bm=brownian(sampler, x_T),
                method="euler",
                adjoint_method="euler",
                dt=1.0,
                adjoint_params=(z,),
            )
        image: Tensor = grid.alpha[-1] * path[-1].view_as(x_T)
        return image

    return Peer(sample)


class _Equation:
    noise_type, sde_type = "diagonal", "ito"

    def __init__(self, model: Denoiser, rho: Sequence[float], time: Clock, shape: torch.Size, z: Tensor) -> None:
        self.model, self.rho, self.time, self.shape, self.z = model, rho, time, shape, z

    def _step(self, u: Tensor) -> tuple[int, int]:
        """The step at u, and the node of its state: the noisier end when sampling, the cleaner end in the adjoint.

        torchsde evaluates the adjoint, and only the adjoint, with gradients enabled.
        """
        node = round(float(u.detach()))
        backward = torch.is_grad_enabled()
        return (max(node - 1, 0) if backward else node), node  # torchsde asks for the shape at u = 0 before it starts

    def f(self, u: Tensor, y: Tensor) -> Tensor:
        i, node = self._step(u)
        eps = _eps(self.model, self.time, self.rho[node], y.view(self.shape), self.z)
        return 2 * (self.rho[i + 1] - self.rho[i]) * eps.flatten(1)

    def g(self, u: Tensor, y: Tensor) -> Tensor:
        i, _ = self._step(u)
        return 0 * y + math.sqrt(self.rho[i] ** 2 - self.rho[i + 1] ** 2)


def brownian(sampler: Sampler, x: Tensor) -> Any:
    """torchsde's Brownian motion over the steps, with a fixed seed."""
    size = (len(x), x[0].numel())
    return torchsde.BrownianInterval(0.0, float(sampler.steps), size, dtype=x.dtype, device=x.device, entropy=ENTROPY)


def noises_of(sampler: Sampler, x: Tensor) -> Tensor:
    """The increments of `brownian`, (N, b, *x): the noises of all SDE methods in this benchmark."""
    motion = brownian(sampler, x)
    return torch.stack([motion(float(i), float(i + 1)).view_as(x) for i in range(sampler.steps)])


def _eps(model: Denoiser, time: Clock, rho: float, y: Tensor, z: Tensor) -> Tensor:
    t = time(-math.log(rho)) if rho > 0 else 0.0
    alpha = 1 / math.hypot(1, rho)
    return call(model, t, (alpha * y).to(z.dtype), z).to(y.dtype)
