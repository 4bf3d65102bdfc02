"""The noise schedule on a grid: x_t = alpha_t x_0 + sigma_t eps, from the noisiest node to the cleanest.

    rho_t    = sigma_t / alpha_t          (what diffusers calls `sigmas`)
    lambda_t = log(alpha_t / sigma_t)     half the log signal-to-noise ratio; +inf where sigma_t = 0

A grid holds N + 1 nodes t_0 > t_1 > ... > t_N in float64. Everything else in this package is computed from
it; no network and no tensor appears here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Final = Literal["scheduler", "sigma_min"]


@dataclass(frozen=True)
class Grid:
    """Nodes of a sampler, noisiest first.

    Args:
        times: t_0 .. t_N, what the network is told. Integers stay integers: some networks look them up in a
            table.
        alpha: alpha_t in [0, 1], signal.
        sigma: sigma_t >= 0, noise. Only the last one may be 0.

    Raises:
        ValueError: the three differ in length, there are fewer than two nodes, or the noise does not fall
            strictly from node to node.
    """

    times: tuple[int | float, ...]
    alpha: tuple[float, ...]
    sigma: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.times) == len(self.alpha) == len(self.sigma):
            raise ValueError(
                f"A grid needs one alpha and one sigma a time; got {len(self.times)} times, "
                f"{len(self.alpha)} alphas and {len(self.sigma)} sigmas."
            )
        if len(self.times) < 2:
            raise ValueError(f"A grid needs at least two nodes (one step); got {len(self.times)}.")
        for i in range(self.steps):
            # cross-multiplied, so that alpha = 0 (pure noise) needs no infinity
            if not self.sigma[i] * self.alpha[i + 1] > self.sigma[i + 1] * self.alpha[i]:
                raise ValueError(
                    f"The noise must fall from node to node; sigma/alpha does not between node {i} "
                    f"(t = {self.times[i]}) and node {i + 1} (t = {self.times[i + 1]})."
                )

    @property
    def steps(self) -> int:
        """N, the number of steps."""
        return len(self.times) - 1

    @property
    def rho(self) -> tuple[float, ...]:
        """sigma_t / alpha_t; inf where alpha_t = 0."""
        return tuple(s / a if a > 0 else math.inf for a, s in zip(self.alpha, self.sigma, strict=True))

    @property
    def log_snr(self) -> tuple[float, ...]:
        """lambda_t = log(alpha_t / sigma_t)."""
        return tuple(
            -math.inf if a == 0 else math.inf if s == 0 else math.log(a / s)
            for a, s in zip(self.alpha, self.sigma, strict=True)
        )

    def cut(self, noise_level: float) -> Grid:
        """Leave out the noisiest nodes: start at node round((1 - noise_level) N).

        Args:
            noise_level: share of the way to pure noise, in (0, 1]; 1 keeps the whole grid. At least one step
                remains.

        Raises:
            ValueError: noise_level is outside (0, 1].
        """
        if not 0 < noise_level <= 1:
            raise ValueError(f"noise_level must be in (0, 1]; got {noise_level}. Use 1 to start from pure noise.")
        first = min(round((1 - noise_level) * self.steps), self.steps - 1)
        return Grid(self.times[first:], self.alpha[first:], self.sigma[first:])


@dataclass(frozen=True)
class LinearVP:
    """The continuous variance-preserving schedule with linear beta on t in [0, 1] (Song et al. 2021, eq. 33).

    log alpha_t = -(beta_max - beta_min) t^2 / 4 - beta_min t / 2,   sigma_t^2 = 1 - alpha_t^2.
    """

    beta_min: float = 0.1
    beta_max: float = 20.0

    def log_alpha(self, t: float) -> float:
        """log alpha_t for t in [0, 1]."""
        return -(self.beta_max - self.beta_min) * t * t / 4 - self.beta_min * t / 2

    def alpha(self, t: float) -> float:
        """alpha_t."""
        return math.exp(self.log_alpha(t))

    def sigma(self, t: float) -> float:
        """sigma_t."""
        return math.sqrt(-math.expm1(2 * self.log_alpha(t)))

    def time(self, log_snr: float) -> float:
        """The t at which lambda_t = log_snr (DPM-Solver, 2206.00927, appendix D.4)."""
        log_alpha = -0.5 * math.log1p(math.exp(-2 * log_snr))
        span = self.beta_max - self.beta_min
        return -4 * log_alpha / (self.beta_min + math.sqrt(self.beta_min**2 - 4 * span * log_alpha))

    def grid(self, times: Sequence[float]) -> Grid:
        """The grid on the given times, noisiest (largest) first."""
        return Grid(
            tuple(float(t) for t in times),
            tuple(self.alpha(t) for t in times),
            tuple(self.sigma(t) for t in times),
        )

    def uniform_log_snr(self, steps: int, start: float = 1.0, end: float = 1e-3) -> Grid:
        """N steps of equal length in lambda, from t = start down to t = end > 0."""
        first = math.log(self.alpha(start) / self.sigma(start))
        last = math.log(self.alpha(end) / self.sigma(end))
        inner = [self.time(first + (last - first) * i / steps) for i in range(1, steps)]
        return self.grid([start, *inner, end])


def grid_from_scheduler(scheduler: Any, final: Final = "scheduler") -> Grid:
    """The nodes that a diffusers scheduler has laid out by `set_timesteps`.

    The nodes come from `scheduler.sigmas` (rho; under flow matching sigma itself), which is what
    `scheduler.step` uses; the arrays `alpha_t`, `sigma_t`, `lambda_t` are those of the training grid and differ
    under Karras, Lu, exponential and flow sigmas.

    Args:
        scheduler: one of SCHEDULERS, after `set_timesteps`. Their grids are taken, not their steps: what order, ODE
            or SDE is for the sampler to say.
        final: "scheduler" ends where the scheduler ends (often sigma = 0); "sigma_min" ends at the training
            grid's cleanest time t = 0 (alpha_bar_0), as the paper's functions do.

    Raises:
        ValueError: `set_timesteps` was not called.
        NotImplementedError: the scheduler is not one of those above, or uses dynamic thresholding, which is not
            linear in the network's output.
    """
    name = type(scheduler).__name__
    if name not in SCHEDULERS:
        raise NotImplementedError(f"{name} is not supported; use one of {', '.join(sorted(SCHEDULERS))}.")
    if getattr(scheduler, "num_inference_steps", None) is None:
        raise ValueError(f"The {name} has no grid yet; call scheduler.set_timesteps(number_of_steps) first.")
    if scheduler.config.get("thresholding"):
        raise NotImplementedError(
            f"{name} has thresholding=True, which is not linear in the network's output; set thresholding=False."
        )
    if scheduler.config.get("clip_sample"):
        warnings.warn(
            f"{name} has clip_sample=True; these steps do not clip (clipping would zero the gradient of every "
            "clipped pixel).",
            stacklevel=2,
        )
    flow = is_flow(scheduler)
    times, rho = SCHEDULERS[name](scheduler)
    if final == "sigma_min":
        rho[-1] = _sigma_min(scheduler, flow)
    return _from_rho(times, rho, flow)


def is_flow(scheduler: Any) -> bool:
    """Whether a scheduler's sigmas are those of flow matching, alpha = 1 - sigma."""
    return bool(scheduler.config.get("use_flow_sigmas")) or type(scheduler).__name__.startswith("FlowMatch")


Nodes = tuple[list[int | float], list[float]]


def _from_sigmas(scheduler: Any) -> Nodes:
    return [*scheduler.timesteps.tolist(), 0], scheduler.sigmas.double().tolist()


def _from_cumulative_alphas(scheduler: Any) -> Nodes:
    times = scheduler.timesteps.tolist()
    # the last step goes to final_alpha_cumprod (1, or alpha_bar_0) in DDIM, to the image in DDPM
    last = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
    return [*times, 0], [_rho(a) for a in [*scheduler.alphas_cumprod[times].double().tolist(), last]]


SCHEDULERS: dict[str, Callable[[Any], Nodes]] = {
    "DDIMScheduler": _from_cumulative_alphas,
    "DDPMScheduler": _from_cumulative_alphas,
    "DEISMultistepScheduler": _from_sigmas,
    "DPMSolverMultistepScheduler": _from_sigmas,
    "EulerDiscreteScheduler": _from_sigmas,
    "FlowMatchEulerDiscreteScheduler": _from_sigmas,
    "UniPCMultistepScheduler": _from_sigmas,
}
"""Schedulers whose grids can be read, and how."""


def _rho(alpha_bar: float) -> float:
    return math.sqrt((1 - alpha_bar) / alpha_bar)


def _sigma_min(scheduler: Any, flow: bool) -> float:
    return 1 / scheduler.config.num_train_timesteps if flow else _rho(float(scheduler.alphas_cumprod[0]))


def _from_rho(times: list[int | float], rho: list[float], flow: bool) -> Grid:
    # Karras, Lu and exponential sigmas already end at sigma_min, which "sigma_min" then repeats: a step of
    # length zero has no noise to solve for, so a repeated node is dropped.
    kept = [i for i in range(len(rho)) if i == len(rho) - 1 or rho[i] > rho[-1] * (1 + 1e-6)]
    times, rho = [times[i] for i in kept], [rho[i] for i in kept]
    if flow:
        return Grid(tuple(times), tuple(1 - r for r in rho), tuple(rho))
    alpha = [1 / math.sqrt(1 + r * r) for r in rho]
    return Grid(tuple(times), tuple(alpha), tuple(a * r for a, r in zip(alpha, rho, strict=True)))
