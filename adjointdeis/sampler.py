"""A sampler is a table: one row of numbers a step.

    m_i     = P_i x_i + Q_i net(t_i, x_i, z)
    x_{i+1} = A_i x_i + sum_j B_ij m_{i-j} + D_i w_i

Every member of the DDIM / DPM-Solver family is such a recurrence; a new sampler is a new function from grid to
rows, never a new loop. In a row, `s` is the noisier end (node i) and `t` the cleaner one (node i + 1), and
h = lambda_t - lambda_s > 0. Coefficients are written so that sigma_t = 0 needs no special case.

| family | m | order 1 | order 2 |
|---|---|---|---|
| "noise" | eps_hat | DDIM = DPM-Solver-1 | DPM-Solver-2M |
| "data" | x0_hat | the same step | DPM-Solver++(2M) |
| "noise", SDE | eps_hat | SDE-DPM-Solver-1 (AdjointDEIS eq. 3.6) | |
| "data", SDE | x0_hat | SDE-DPM-Solver++(1) | SDE-DPM-Solver++(2M) |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Prediction, check_prediction, to_eps, to_x0
from adjointdeis.schedule import Final, Grid, grid_from_scheduler

Family = Literal["noise", "data"]


class Row(NamedTuple):
    """One step: the coefficients of the recurrence above. `B[j]` is B_ij; `D` is 0 for an ODE."""

    time: int | float
    P: float
    Q: float
    A: float
    B: tuple[float, ...]
    D: float = 0.0


@dataclass(frozen=True)
class Sampler:
    """The table and the grid it was built on.

    Args:
        grid: N + 1 nodes.
        rows: N rows.
        prediction_type: what the network predicts.
        sde: whether a noise is injected in every step.
        order: order of the method, 1 or 2.
    """

    grid: Grid
    rows: tuple[Row, ...]
    prediction_type: Prediction
    sde: bool
    order: int

    @classmethod
    def from_scheduler(
        cls,
        scheduler: Any,
        *,
        sde: bool = False,
        order: int = 1,
        noise_level: float = 1.0,
        prediction_type: Prediction | None = None,
        family: Family | None = None,
        final: Final = "scheduler",
    ) -> Sampler:
        """The table on a diffusers scheduler's own grid.

        Args:
            scheduler: of diffusers, one of schedule.SCHEDULERS, after `set_timesteps`.
            sde: inject noise.
            order: 1, or 2 for the two-step methods.
            noise_level: share of the grid kept, counted from the clean end, in (0, 1].
            prediction_type: what the network predicts; the scheduler's own setting if None.
            family: "noise" or "data", see the table above. If None, what the scheduler's algorithm_type says: "data"
                for "sde-dpmsolver++" (SDE) or any "++" (order 2); also for DDPM, whose ancestral sampling is
                SDE-DPM-Solver++(1); else "noise", the paper's. At few steps prefer
                "data" for the SDE: SDE-DPM-Solver-1 turns the sign of what is left of the noise where h > ln 2.
            final: "scheduler", or "sigma_min" to end at the training grid's cleanest time.

        Raises:
            ValueError: an argument out of range, no grid yet, or a method that cannot end at sigma = 0.
            NotImplementedError: an unknown scheduler, or a combination without a table.
        """
        algorithm = scheduler.config.get("algorithm_type", "")
        ancestral = type(scheduler).__name__ == "DDPMScheduler"
        data = ancestral or algorithm == "sde-dpmsolver++" if sde else algorithm.endswith("++")
        own: Family = "data" if data else "noise"
        if order == 2 and scheduler.config.get("solver_type", "midpoint") != "midpoint":
            raise NotImplementedError("Order 2 knows solver_type='midpoint' only; set it in the scheduler.")
        return cls.from_grid(
            grid_from_scheduler(scheduler, final).cut(noise_level),
            sde=sde,
            order=order,
            family=family or own,
            prediction_type=prediction_type or _prediction(scheduler),
            lower_order_final=_ends_at_first_order(scheduler),
        )

    @classmethod
    def from_grid(
        cls,
        grid: Grid,
        *,
        sde: bool = False,
        order: int = 1,
        family: Family = "noise",
        prediction_type: Prediction = "epsilon",
        lower_order_final: bool = False,
    ) -> Sampler:
        """The table on any grid; arguments as above. `lower_order_final` makes the last step first-order.

        Raises:
            ValueError: order is not 1 or 2, unknown prediction or family, SDE-DPM-Solver-1 ending at sigma = 0.
            NotImplementedError: second order for the SDE in the noise family.
        """
        check_prediction(prediction_type)
        if order not in (1, 2):
            raise ValueError(f"order must be 1 or 2; got {order}.")
        if family not in ("noise", "data"):
            raise ValueError(f"family must be 'noise' or 'data'; got {family!r}.")
        if sde and order == 2 and family == "noise":
            raise NotImplementedError(
                "There is no second-order SDE sampler in the noise family here; use order=1, or the data family "
                "(algorithm_type='sde-dpmsolver++')."
            )
        if grid.alpha[0] == 0 and family == "noise" and (sde or order == 2):
            raise ValueError(
                "The noise family divides by alpha, which is 0 at the first node (zero terminal SNR, or flow at "
                "t = 1); use order=1 without sde, the data family, or a lower noise level."
            )
        rows = []
        for i in range(grid.steps):
            first_order = order == 1 or i == 0 or (lower_order_final and i == grid.steps - 1)
            if first_order and not sde:
                rows.append(_ddim(grid, i, prediction_type, family if order == 2 else None))
            elif family == "data":
                rows.append(_data_step(grid, i, prediction_type, sde, first_order))
            elif sde:
                rows.append(_sde_dpmsolver_1(grid, i, prediction_type))
            else:
                rows.append(_dpmsolver_2m(grid, i, prediction_type))
        return cls(grid, tuple(rows), prediction_type, sde, order)

    @property
    def steps(self) -> int:
        """N, the number of steps, which is the number of network calls of one pass."""
        return len(self.rows)

    def draw_noises(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Fresh w_0 .. w_{N-1} ~ N(0, I) for states like x (b, *x); (N, b, *x)."""
        device = x.device if generator is None else generator.device
        shape = (self.steps, *x.shape)
        return torch.randn(shape, generator=generator, dtype=x.dtype, device=device).to(x.device)


def _prediction(scheduler: Any) -> Prediction:
    """The scheduler's own; some of those for flow matching do not name it."""
    named: Prediction = scheduler.config.get("prediction_type", "flow_prediction")
    return named


def _ends_at_first_order(scheduler: Any) -> bool:
    """diffusers' rule for the last step of a multistep method."""
    config = scheduler.config
    return bool(
        config.get("euler_at_final")
        or (config.get("lower_order_final") and len(scheduler.timesteps) < 15)
        or config.get("final_sigmas_type", "zero") == "zero"
    )


def _ddim(grid: Grid, i: int, prediction: Prediction, family: Family | None) -> Row:
    """x_t = alpha_t x0_hat + sigma_t eps_hat (DDIM, 2010.02502, eq. 12 with eta = 0).

    Written in the network's own output (P = 0, Q = 1) nothing is divided by alpha_t or sigma_t; in a multistep
    table the family's m is kept, because the next row needs it.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = _ends(grid, i)
    a, b = to_x0(prediction, alpha_s, sigma_s)
    c, d = to_eps(prediction, alpha_s, sigma_s)
    if family is None:
        return Row(grid.times[i], 0.0, 1.0, alpha_t * a + sigma_t * c, (alpha_t * b + sigma_t * d,))
    if family == "noise":
        return Row(grid.times[i], c, d, alpha_t / alpha_s, (sigma_t - alpha_t * sigma_s / alpha_s,))
    return Row(grid.times[i], a, b, sigma_t / sigma_s, (alpha_t - sigma_t * alpha_s / sigma_s,))


def _dpmsolver_2m(grid: Grid, i: int, prediction: Prediction) -> Row:
    """DPM-Solver-2M in eps (2206.00927; diffusers' "dpmsolver", midpoint).

    x_t = (alpha_t/alpha_s) x_s - sigma_t (e^h - 1) [m_i + (m_i - m_{i-1}) / (2 r)],  r = h_{i-1} / h_i.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = _ends(grid, i)
    c, d = to_eps(prediction, alpha_s, sigma_s)
    weight = sigma_t - alpha_t * sigma_s / alpha_s  # = -sigma_t (e^h - 1)
    extra = weight / (2 * _step_ratio(grid, i))
    return Row(grid.times[i], c, d, alpha_t / alpha_s, (weight + extra, -extra))


def _data_step(grid: Grid, i: int, prediction: Prediction, sde: bool, first_order: bool) -> Row:
    """DPM-Solver++(2M) in x0_hat, ODE and SDE (2211.01095; diffusers' "dpmsolver++", midpoint).

    ODE: x_t = (sigma_t/sigma_s) x_s + alpha_t (1 - e^-h) [m_i + (m_i - m_{i-1}) / (2 r)].
    SDE: x_t = (sigma_t/sigma_s) e^-h x_s + alpha_t (1 - e^-2h) [...] + sigma_t sqrt(1 - e^-2h) w_i.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = _ends(grid, i)
    a, b = to_x0(prediction, alpha_s, sigma_s)
    decay = alpha_s * sigma_t / (alpha_t * sigma_s)  # e^-h
    keep = decay if sde else 1.0
    weight = alpha_t * (1 - decay * keep)
    noise = sigma_t * math.sqrt(1 - decay * decay) if sde else 0.0
    history: tuple[float, ...] = (weight,)
    if not first_order:
        extra = weight / (2 * _step_ratio(grid, i))
        history = (weight + extra, -extra)
    return Row(grid.times[i], a, b, sigma_t / sigma_s * keep, history, noise)


def _sde_dpmsolver_1(grid: Grid, i: int, prediction: Prediction) -> Row:
    """SDE-DPM-Solver-1 (AdjointDEIS, 2405.15020, eq. 3.6).

    x_t = (alpha_t/alpha_s) x_s - 2 sigma_t (e^h - 1) eps_hat + sigma_t sqrt(e^2h - 1) w_i.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = _ends(grid, i)
    if sigma_t == 0:
        raise ValueError(
            "SDE-DPM-Solver-1 cannot end at sigma = 0 (its noise would not vanish there); end the grid at "
            "sigma_min: final_sigmas_type='sigma_min' in the scheduler, or final='sigma_min'."
        )
    c, d = to_eps(prediction, alpha_s, sigma_s)
    grown = alpha_t * sigma_s / alpha_s  # sigma_t e^h
    noise = math.sqrt(grown * grown - sigma_t * sigma_t)
    return Row(grid.times[i], c, d, alpha_t / alpha_s, (2 * (sigma_t - grown),), noise)


def _ends(grid: Grid, i: int) -> tuple[float, float, float, float]:
    return grid.alpha[i], grid.sigma[i], grid.alpha[i + 1], grid.sigma[i + 1]


def _step_ratio(grid: Grid, i: int) -> float:
    """r = h_{i-1} / h_i; inf after a start at alpha = 0, which leaves a first-order step."""
    log_snr = grid.log_snr
    if math.isinf(log_snr[i + 1]):
        raise ValueError("A second-order step cannot end at sigma = 0; use lower_order_final=True, or order=1.")
    return (log_snr[i] - log_snr[i - 1]) / (log_snr[i + 1] - log_snr[i])
