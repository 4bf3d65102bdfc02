"""The noise schedule on a grid: x_t = alpha_t x_0 + sigma_t eps, from the noisiest node to the cleanest.

    rho_t    = sigma_t / alpha_t          (what diffusers calls `sigmas`)
    lambda_t = log(alpha_t / sigma_t)     half the log signal-to-noise ratio; +inf where sigma_t = 0

A grid is N + 1 nodes t_0 > t_1 > ... > t_N in float64. All tables and adjoints of this package are computed from
it; no network and no tensor appears here. schedulers.py reads the grids of diffusers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Grid:
    """Nodes of a sampler, noisiest first.

    Args:
        times: t_0 .. t_N, the times of the network calls. Integers stay integers: some networks look them up in a
            table.
        alpha: alpha_t in [0, 1], signal.
        sigma: sigma_t >= 0, noise. Only the last one may be 0.
        ends_twice: the last two nodes are the same: the last step, of length zero, is UniPC's corrector alone.

    Raises:
        ValueError: the three differ in length, there are fewer than two nodes, one is negative, or the noise does
            not fall strictly from node to node.
    """

    times: tuple[int | float, ...]
    alpha: tuple[float, ...]
    sigma: tuple[float, ...]
    ends_twice: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not len(self.times) == len(self.alpha) == len(self.sigma):
            raise ValueError(
                f"A grid needs one alpha and one sigma a time; got {len(self.times)} times, "
                f"{len(self.alpha)} alphas and {len(self.sigma)} sigmas."
            )
        if len(self.times) < 2:
            raise ValueError(f"A grid needs at least two nodes (one step); got {len(self.times)}.")
        if min(*self.alpha, *self.sigma) < 0:
            raise ValueError("alpha and sigma must not be negative; does the scheduler mix flow with other sigmas?")
        for i in range(self.steps):
            # cross-multiplied, so that alpha = 0 (pure noise) needs no infinity
            before, after = self.sigma[i] * self.alpha[i + 1], self.sigma[i + 1] * self.alpha[i]
            if before < after or (before == after and not (self.ends_twice and i == self.steps - 1 and after > 0)):
                raise ValueError(
                    f"The noise must fall from node to node; sigma/alpha does not between node {i} "
                    f"(t = {self.times[i]}) and node {i + 1} (t = {self.times[i + 1]})."
                )

    @property
    def steps(self) -> int:
        """N, the number of steps."""
        return len(self.times) - 1

    @cached_property
    def rho(self) -> tuple[float, ...]:
        """sigma_t / alpha_t; inf where alpha_t = 0."""
        return tuple(s / a if a > 0 else math.inf for a, s in zip(self.alpha, self.sigma, strict=True))

    @cached_property
    def log_snr(self) -> tuple[float, ...]:
        """lambda_t = log(alpha_t / sigma_t)."""
        return tuple(
            -math.inf if a == 0 else math.inf if s == 0 else math.log(a / s)
            for a, s in zip(self.alpha, self.sigma, strict=True)
        )

    def has_unit_sum(self, power: int) -> bool:
        """Whether alpha^power + sigma^power = 1 at every node: power 1 for flow matching, 2 for variance preserving."""
        return all(abs(a**power + s**power - 1) < 1e-6 for a, s in zip(self.alpha, self.sigma, strict=True))

    def cut(self, noise_level: float) -> Grid:
        """The grid without its noisiest nodes: from node round((1 - noise_level) N).

        Args:
            noise_level: share of the way to pure noise, in (0, 1]; 1 keeps the whole grid. At least one step
                remains.

        Raises:
            ValueError: noise_level is outside (0, 1].
        """
        if not 0 < noise_level <= 1:
            raise ValueError(f"noise_level must be in (0, 1]; got {noise_level}. Use 1 to start from pure noise.")
        first = min(round((1 - noise_level) * self.steps), self.steps - 1)
        return Grid(self.times[first:], self.alpha[first:], self.sigma[first:], ends_twice=self.ends_twice)


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
