"""The rows of the samplers' tables: one function a family, from two neighbouring nodes to numbers.

In a row, `s` is the noisier end (node i) and `t` the cleaner one (node i + 1), and h = lambda_t - lambda_s > 0. Of
every family the linear part is solved exactly and m is taken as constant over the step (first order):

    family        m         x_t =
    noise, ODE    eps_hat   (alpha_t/alpha_s) x_s - sigma_t (e^h - 1) m                    DDIM = DPM-Solver-1
    noise, SDE    eps_hat   (alpha_t/alpha_s) x_s - 2 sigma_t (e^h - 1) m + sigma_t sqrt(e^2h - 1) w
    data, ODE     x0_hat    (sigma_t/sigma_s) x_s + alpha_t (1 - e^-h) m
    data, SDE     x0_hat    (sigma_t/sigma_s) e^-h x_s + alpha_t (1 - e^-2h) m + sigma_t sqrt(1 - e^-2h) w
    flow, ODE     u_hat     x_s + (sigma_t - sigma_s) m                                    Euler, alpha + sigma = 1

Second order replaces the constant by the line through m_i and m_{i-1}, with r the ratio of the last step's length to
this one's (in lambda; in sigma for the flow): S (m_i - m_{i-1}) is added, where, W being the weight of m above and k
the SDE's factor 2 (else 1),

    "midpoint"   S = W / (2 r)                               DPM-Solver-2M (2206.00927), ++(2M) (2211.01095)
    "exact"      S = (W / h + k sigma_t) / r       noise     DEIS-2 in log rho (2204.13902); diffusers' "heun"
                 S = (alpha_t - W / (k h)) / r     data
    flow         S = W / (2 r), for both                     Adams-Bashforth 2 on dx/dsigma = u

UniPC (2302.04867) corrects x_i once m_i is computed, by a combination of m_i, m_{i-1} and m_{i-2}, and continues from
the corrected state. Its predictor and corrector share the linear part, so the corrected state is x_i plus outputs of
the history: the whole method is one row of up to three outputs, and needs no second state and no second call.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from adjointdeis.denoiser import Linear, Prediction, to_eps, to_flow, to_x0
from adjointdeis.schedule import Grid

Family = Literal["noise", "data", "flow"]
Multistep = Literal["midpoint", "exact", "unipc-bh1", "unipc-bh2"]


class Row(NamedTuple):
    """One step, m = P x + Q net and x_t = A x + sum_j B_j m_{i-j} + D w.

    `D` is 0 for an ODE. `kept` is the number of outputs, this step's first, that later rows need.
    """

    time: int | float
    P: float
    Q: float
    A: float
    B: tuple[float, ...]
    D: float = 0.0
    kept: int = 1


class First(NamedTuple):
    """A first-order step: m, the factor A of x_s, the weight W of m, the factor D of the noise."""

    m: Linear
    A: float
    W: float
    D: float


def first_order(grid: Grid, i: int, prediction: Prediction, family: Family, sde: bool) -> First:
    """Step i of a family, by the table above, written so that sigma_t = 0 and alpha_s = 0 need no special case.

    Raises:
        ValueError: the SDE of the noise family ends at sigma = 0.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = ends(grid, i)
    match family:
        case "noise":
            grown = alpha_t * sigma_s / alpha_s  # sigma_t e^h
            if sde and sigma_t == 0:
                raise ValueError(
                    "SDE-DPM-Solver-1 cannot end at sigma = 0 (its noise would not vanish there); end the grid at "
                    "sigma_min: final_sigmas_type='sigma_min' in the scheduler, or final='sigma_min'."
                )
            noise = math.sqrt(grown * grown - sigma_t * sigma_t) if sde else 0.0
            weight = (2 if sde else 1) * (sigma_t - grown)
            return First(to_eps(prediction, alpha_s, sigma_s), alpha_t / alpha_s, weight, noise)
        case "data":
            decay = alpha_s * sigma_t / (alpha_t * sigma_s)  # e^-h
            keep = decay if sde else 1.0
            noise = sigma_t * math.sqrt(1 - decay * decay) if sde else 0.0
            weight = alpha_t * (1 - decay * keep)
            return First(to_x0(prediction, alpha_s, sigma_s), sigma_t / sigma_s * keep, weight, noise)
        case "flow":
            return First(to_flow(prediction, alpha_s, sigma_s), 1.0, sigma_t - sigma_s, 0.0)


def ddim(grid: Grid, i: int, prediction: Prediction, eta: float = 0.0) -> Row:
    """x_t = alpha_t x0_hat + sqrt(sigma_t^2 - D^2) eps_hat + D w,  D = eta sigma_t sqrt(1 - e^-2h)

    (DDIM, 2010.02502, eq. 12 and 16). In the network's own output (P = 0, Q = 1) nothing is divided by alpha_t or
    sigma_t.
    """
    alpha_s, sigma_s, alpha_t, sigma_t = ends(grid, i)
    a, b = to_x0(prediction, alpha_s, sigma_s)
    c, d = to_eps(prediction, alpha_s, sigma_s)
    decay = alpha_s * sigma_t / (alpha_t * sigma_s)
    noise = eta * sigma_t * math.sqrt(1 - decay * decay)
    left = math.sqrt(sigma_t * sigma_t - noise * noise)
    return Row(grid.times[i], 0.0, 1.0, alpha_t * a + left * c, (alpha_t * b + left * d,), noise)


def multistep_row(
    grid: Grid, i: int, prediction: Prediction, family: Family, sde: bool, multistep: Multistep, line: bool
) -> Row:
    """Step i of a family: first-order, or with the line through the last two outputs."""
    (P, Q), A, W, D = first_order(grid, i, prediction, family, sde)
    if not line:
        return Row(grid.times[i], P, Q, A, (W,), D)
    S = _slope(grid, i, family, sde, multistep, W)
    return Row(grid.times[i], P, Q, A, (W + S, -S), D)


def unipc_row(
    grid: Grid, i: int, prediction: Prediction, family: Family, multistep: Multistep, lines: tuple[bool, bool]
) -> Row:
    """Step i of UniPC: correct x_i, then predict x_{i+1}. `lines`: whether steps i - 1 and i are second-order."""
    (P, Q), A, W, _ = first_order(grid, i, prediction, family, sde=False)
    S = _slope(grid, i, family, False, multistep, W) if lines[1] else 0.0
    c = _correction(grid, i, prediction, family, multistep, lines[0]) if i > 0 else ()
    B = [W + S, -S, 0.0]
    for j, weight in enumerate(c):
        B[j] += A * weight
    return Row(grid.times[i], P, Q, A, tuple(B[: max(len(c), 1 + lines[1])]))


def ends(grid: Grid, i: int) -> tuple[float, float, float, float]:
    """alpha_s, sigma_s, alpha_t, sigma_t of step i."""
    return grid.alpha[i], grid.sigma[i], grid.alpha[i + 1], grid.sigma[i + 1]


def _slope(grid: Grid, i: int, family: Family, sde: bool, multistep: Multistep, W: float) -> float:
    """S above."""
    if family == "flow":
        sigma = grid.sigma
        return W * (sigma[i] - sigma[i + 1]) / (2 * (sigma[i - 1] - sigma[i]))
    r, h = _ratio(grid, i), grid.log_snr[i + 1] - grid.log_snr[i]
    match multistep:
        case "exact":
            k, alpha_t, sigma_t = (2 if sde else 1), grid.alpha[i + 1], grid.sigma[i + 1]
            return (W / h + k * sigma_t if family == "noise" else alpha_t - W / (k * h)) / r
        case "unipc-bh1":
            return _bh1(grid, i, family) / (2 * r)
        case _:
            return W / (2 * r)


def _correction(
    grid: Grid, i: int, prediction: Prediction, family: Family, multistep: Multistep, line: bool
) -> tuple[float, ...]:
    """Weights of m_i, m_{i-1}, m_{i-2} in (corrected x_i) - (predicted x_i), for the step from node i - 1 to i.

    B(h) of UniPC (2302.04867, eq. 9 and 12): corrected = linear part + K [rho_1 (m_{i-2} - m_{i-1}) / r_1
    + rho_2 (m_i - m_{i-1})], of which predicted took the share S (m_{i-1} - m_{i-2}).
    """
    W = first_order(grid, i - 1, prediction, family, False).W
    K = _bh1(grid, i - 1, family) if multistep == "unipc-bh1" else W
    if not line:
        return 0.5 * K, -0.5 * K
    h = grid.log_snr[i] - grid.log_snr[i - 1]
    hh = -h if family == "data" else h
    B_h = hh if multistep == "unipc-bh1" else math.expm1(hh)
    phi = math.expm1(hh) / hh - 1
    b_1, b_2 = phi / B_h, 2 * (phi / hh - 0.5) / B_h
    r_1 = -_ratio(grid, i - 1)
    rho_1 = (b_1 - b_2) / (1 - r_1)
    older, newest = K * rho_1 / r_1, K * (b_1 - rho_1)
    S = _slope(grid, i - 1, family, False, multistep, W)
    return newest, -newest - older - S, older + S


def _bh1(grid: Grid, i: int, family: Family) -> float:
    """W to first order in h."""
    h = grid.log_snr[i + 1] - grid.log_snr[i]
    if math.isinf(h):
        raise ValueError("UniPC's B1(h) = h is infinite at alpha = 0 and sigma = 0; use solver_type='bh2'.")
    return grid.alpha[i + 1] * h if family == "data" else -grid.sigma[i + 1] * h


def _ratio(grid: Grid, i: int) -> float:
    """r = h_{i-1} / h_i; inf after a start at alpha = 0, which leaves a first-order step."""
    log_snr = grid.log_snr
    if math.isinf(log_snr[i + 1]):
        raise ValueError("A second-order step cannot end at sigma = 0; use lower_order_final=True, or order=1.")
    return (log_snr[i] - log_snr[i - 1]) / (log_snr[i + 1] - log_snr[i])
