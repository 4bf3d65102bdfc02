"""Read a diffusers scheduler: its grid, and which solver it is.

The nodes come from `scheduler.sigmas` (rho; under flow matching sigma itself), which is what `scheduler.step` uses; the
arrays `alpha_t`, `sigma_t`, `lambda_t` are those of the training grid and differ under Karras, Lu, exponential, beta
and flow sigmas. All grids of `set_timesteps` are read: linspace, leading, trailing, Karras, Lu, exponential,
beta, flow with a fixed shift, flow with a shift that was passed to `set_timesteps` as mu.

DDIM and DDPM have no sigmas; their nodes are their timesteps. (With timestep_spacing="linspace" diffusers' own DDIM
step ends at t - T // N, which is not where its next step starts; here it ends there.)
"""

from __future__ import annotations

import bisect
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from adjointdeis.schedule import Grid
from adjointdeis.tables import Family, Multistep

Final = Literal["scheduler", "sigma_min", "zero"]
Nodes = tuple[list[int | float], list[float]]


class Solver(NamedTuple):
    """The table of a scheduler's own steps; the first five fields are arguments of Sampler.from_grid.

    `refused` is the reason why its own steps have no table, or "". Other samplers can use its grid all the same.
    """

    sde: bool = False
    order: int = 1
    family: Family = "noise"
    multistep: Multistep = "midpoint"
    lower_order_final: bool = False
    refused: str = ""


class Reader(NamedTuple):
    """How to read one class of schedulers: its nodes and its solver."""

    nodes: Callable[[Any], Nodes]
    solver: Callable[[Any], Solver]


def grid_from_scheduler(scheduler: Any, final: Final = "scheduler") -> Grid:
    """The nodes of a diffusers scheduler after `set_timesteps`.

    Args:
        scheduler: one of SCHEDULERS, after `set_timesteps`.
        final: "scheduler" ends where the scheduler ends (often sigma = 0); "sigma_min" ends at the training
            grid's cleanest time t = 0 (alpha_bar_0), as the paper's functions do; "zero" ends at sigma = 0, the image
            itself. A repeated last node (Karras, Lu, exponential and beta sigmas end at sigma_min twice) is dropped,
            because a step of length zero has no noise to solve for.

    Raises:
        ValueError: `set_timesteps` was not called, unknown `final`, or sigmas that are not a grid.
        NotImplementedError: the scheduler is not one of SCHEDULERS, runs backwards, or uses dynamic thresholding,
            which is not linear in the network's output.
    """
    reader = _reader(scheduler)
    name = type(scheduler).__name__
    if final not in get_args(Final):
        raise ValueError(f"final must be one of {', '.join(get_args(Final))}; got {final!r}.")
    if getattr(scheduler, "num_inference_steps", None) is None:
        raise ValueError(f"The {name} has no grid yet; call scheduler.set_timesteps(number_of_steps) first.")
    if scheduler.config.get("invert_sigmas"):
        raise NotImplementedError(f"{name} has invert_sigmas=True, which runs from the image to the noise.")
    if scheduler.config.get("thresholding"):
        raise NotImplementedError(
            f"{name} has thresholding=True: a step that clips at a quantile of its own output is not linear in it, and "
            "its gradient vanishes wherever it clips; set thresholding=False."
        )
    if scheduler.config.get("clip_sample"):
        warnings.warn(
            f"{name} has clip_sample=True; these steps do not clip (clipping would zero the gradient of every "
            "clipped pixel).",
            stacklevel=2,
        )
    flow = is_flow(scheduler)
    times, rho = reader.nodes(scheduler)
    if final != "scheduler":
        rho[-1] = 0.0 if final == "zero" else _sigma_min(scheduler, flow)
    return _from_rho(times, rho, flow)


def solver_from_scheduler(scheduler: Any) -> Solver:
    """Which solver the scheduler's own `step` is.

    Raises:
        NotImplementedError: an unknown scheduler.
    """
    solver = _reader(scheduler).solver(scheduler)
    if solver.order > 2:
        return solver._replace(
            refused=f"solver_order={solver.order}: tables stop at order 2, because third-order steps through guided "
            "networks are unstable and diffusers itself advises 2 there; set solver_order=2, or pass order=2"
        )
    return solver


def time_from_scheduler(scheduler: Any) -> Callable[[float], float]:
    """lambda -> the training time at which log(alpha_t / sigma_t) = lambda, between the training times too.

    As diffusers' own Karras and exponential sigmas do, log rho is interpolated linearly; a flow's time is
    sigma_t * num_train_timesteps.

    Raises:
        NotImplementedError: an unknown scheduler, or continuous times.
    """
    _reader(scheduler)
    if scheduler.config.get("timestep_type") == "continuous":
        raise NotImplementedError("The training times of timestep_type='continuous' cannot be read.")
    if is_flow(scheduler):
        last = float(scheduler.config.num_train_timesteps)
        return lambda log_snr: last / (1 + math.exp(log_snr)) if log_snr < 700 else 0.0
    log_rho = [math.log(_rho(a)) for a in scheduler.alphas_cumprod.double().tolist()]
    return lambda log_snr: _interpolate(-log_snr, log_rho)


def _interpolate(value: float, nodes: list[float]) -> float:
    """The fractional index of a value among rising nodes, within their range."""
    i = min(max(bisect.bisect_left(nodes, value), 1), len(nodes) - 1)
    share = (value - nodes[i - 1]) / (nodes[i] - nodes[i - 1])
    return i - 1 + min(max(share, 0.0), 1.0)


def is_flow(scheduler: Any) -> bool:
    """Whether a scheduler's sigmas are those of flow matching, alpha = 1 - sigma."""
    return bool(scheduler.config.get("use_flow_sigmas")) or type(scheduler).__name__.startswith("FlowMatch")


def _reader(scheduler: Any) -> Reader:
    name = type(scheduler).__name__
    if name not in SCHEDULERS:
        raise NotImplementedError(f"{name} is not supported; use one of {', '.join(sorted(SCHEDULERS))}.")
    return SCHEDULERS[name]


def _from_sigmas(scheduler: Any) -> Nodes:
    return [*scheduler.timesteps.tolist(), 0], scheduler.sigmas.double().tolist()


def _from_cumulative_alphas(scheduler: Any) -> Nodes:
    times = scheduler.timesteps.tolist()
    # the last step goes to final_alpha_cumprod (1, or alpha_bar_0) in DDIM, to the image in DDPM
    last = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
    return [*times, 0], [_rho(a) for a in [*scheduler.alphas_cumprod[times].double().tolist(), last]]


def _first_order(scheduler: Any) -> Solver:
    return Solver(lower_order_final=float(_reader(scheduler).nodes(scheduler)[1][-1]) == 0)


def _flow_euler(scheduler: Any) -> Solver:
    stochastic = scheduler.config.get("stochastic_sampling")
    return Solver(
        family="flow",
        refused="stochastic_sampling=True: every step draws all of the noise anew; set it to False"
        if stochastic
        else "",
    )


def _ancestral(scheduler: Any) -> Solver:
    kind = scheduler.config.variance_type
    return Solver(
        sde=True,
        family="data",
        lower_order_final=True,
        refused=""
        if kind == "fixed_small"
        else f"variance_type={kind!r}: the table's is the posterior's, 'fixed_small'",
    )


def _dpmsolver(scheduler: Any) -> Solver:
    config = scheduler.config
    return Solver(
        sde=config.algorithm_type.startswith("sde"),
        order=config.solver_order,
        family="data" if config.algorithm_type.endswith("++") else "noise",
        multistep="exact" if config.solver_type == "heun" else "midpoint",
        lower_order_final=config.euler_at_final or config.final_sigmas_type == "zero" or _few_steps(scheduler),
    )


def _deis(scheduler: Any) -> Solver:
    return Solver(order=scheduler.config.solver_order, multistep="exact", lower_order_final=_few_steps(scheduler))


def _unipc(scheduler: Any) -> Solver:
    config = scheduler.config
    own = scheduler.solver_p is None and not config.disable_corrector
    return Solver(
        order=config.solver_order,
        family="data" if config.predict_x0 else "noise",
        multistep="unipc-bh1" if config.solver_type == "bh1" else "unipc-bh2",
        lower_order_final=config.lower_order_final,
        refused="" if own else "solver_p or disable_corrector: the table has UniPC's own predictor and corrector only",
    )


def _few_steps(scheduler: Any) -> bool:
    """diffusers' rule for the last step of DPM-Solver and DEIS."""
    return bool(scheduler.config.lower_order_final and len(scheduler.timesteps) < 15)


SCHEDULERS: dict[str, Reader] = {
    "DDIMScheduler": Reader(_from_cumulative_alphas, _first_order),
    "DDPMScheduler": Reader(_from_cumulative_alphas, _ancestral),
    "DEISMultistepScheduler": Reader(_from_sigmas, _deis),
    "DPMSolverMultistepScheduler": Reader(_from_sigmas, _dpmsolver),
    "EulerDiscreteScheduler": Reader(_from_sigmas, _first_order),
    "FlowMatchEulerDiscreteScheduler": Reader(_from_sigmas, _flow_euler),
    "UniPCMultistepScheduler": Reader(_from_sigmas, _unipc),
}
"""The supported schedulers, by class name."""


def _rho(alpha_bar: float) -> float:
    return math.sqrt((1 - alpha_bar) / alpha_bar)


def _sigma_min(scheduler: Any, flow: bool) -> float:
    return 1 / scheduler.config.num_train_timesteps if flow else _rho(float(scheduler.alphas_cumprod[0]))


def _from_rho(times: list[int | float], rho: list[float], flow: bool) -> Grid:
    kept = [i for i in range(len(rho)) if i == len(rho) - 1 or rho[i] > rho[-1] * (1 + 1e-6)]
    times, rho = [times[i] for i in kept], [rho[i] for i in kept]
    if flow:
        return Grid(tuple(times), tuple(1 - r for r in rho), tuple(rho))
    alpha = [1 / math.sqrt(1 + r * r) for r in rho]
    return Grid(tuple(times), tuple(alpha), tuple(a * r for a, r in zip(alpha, rho, strict=True)))
