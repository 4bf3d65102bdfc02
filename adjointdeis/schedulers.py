"""Read a diffusers scheduler: its grid, and which solver it is.

The nodes come from `scheduler.sigmas` (rho; under flow matching sigma itself), which is what `scheduler.step` uses; the
arrays `alpha_t`, `sigma_t`, `lambda_t` are those of the training grid and differ under Karras, Lu, exponential, beta
and flow sigmas. All grids of `set_timesteps` are read: linspace, leading, trailing, Karras, Lu, exponential,
beta, flow with a fixed shift, flow with a shift that was passed to `set_timesteps` as mu.

DDIM and DDPM have no sigmas; their nodes are their timesteps. DDIM's own step from t ends at t - T // N, which under
"linspace" and some "trailing" spacings is not where its next step starts; `own_ends` gives those ends.
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
Nodes = tuple[list[int | float], list[float], list[float]]
"""Times, alpha and sigma."""


class Solver(NamedTuple):
    """The table of a scheduler's own steps; the first six fields are arguments of Sampler.from_grid.

    `refused` is the reason why its own steps have no table, or "". Other samplers can use its grid all the same.
    """

    sde: bool = False
    order: int = 1
    family: Family = "noise"
    multistep: Multistep = "midpoint"
    lower_order_final: bool = False
    eta: float | None = None
    refused: str = ""


class Reader(NamedTuple):
    """How to read one class of schedulers: its nodes and its solver."""

    nodes: Callable[[Any], Nodes]
    solver: Callable[[Any], Solver]


def grid_from_scheduler(scheduler: Any, final: Final = "scheduler", *, keep_last: bool = False) -> Grid:
    """The nodes of a diffusers scheduler after `set_timesteps`.

    Args:
        scheduler: one of SCHEDULERS, after `set_timesteps`.
        final: "scheduler" ends where the scheduler ends (often sigma = 0); "sigma_min" ends at the training
            grid's cleanest time t = 0 (alpha_bar_0), as the paper's functions do; "zero" ends at sigma = 0, the image
            itself. A repeated last node (Karras, Lu, exponential and beta sigmas end at sigma_min twice) is dropped: a
            step of length zero has no noise to solve for.
        keep_last: keep it, for UniPC, whose corrector works in that step too.

    Raises:
        ValueError: `set_timesteps` was not called, unknown `final`, or sigmas that are not a grid.
        NotImplementedError: the scheduler is not one of SCHEDULERS, runs backwards, or uses dynamic thresholding,
            which is not linear in the network's output.
    """
    reader = _reader(scheduler)
    name = type(scheduler).__name__
    if final not in get_args(Final):
        raise ValueError(f"final must be one of {', '.join(get_args(Final))}; got {final!r}.")
    if getattr(scheduler, "num_inference_steps", None) is None and not getattr(scheduler, "custom_timesteps", False):
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
    times, alpha, sigma = reader.nodes(scheduler)
    if final != "scheduler":
        last = 0.0 if final == "zero" else _sigma_min(scheduler)
        alpha[-1], sigma[-1] = _of_rho(last, is_flow(scheduler))
    if keep_last and (alpha[-1], sigma[-1]) == (alpha[-2], sigma[-2]):
        return Grid(tuple(times), tuple(alpha), tuple(sigma), ends_twice=True)
    return _without_repeats(times, alpha, sigma)


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
    return bool(scheduler.config.get("use_flow_sigmas")) or type(scheduler).__name__.startswith("Flow")


def _reader(scheduler: Any) -> Reader:
    name = type(scheduler).__name__
    if name not in SCHEDULERS:
        raise NotImplementedError(f"{name} is not supported; use one of {', '.join(sorted(SCHEDULERS))}.")
    return SCHEDULERS[name]


def _from_sigmas(scheduler: Any) -> Nodes:
    times, sigmas = scheduler.timesteps.tolist(), scheduler.sigmas.double().tolist()
    first = 0 if len(times) == scheduler.num_inference_steps else _offset(scheduler, times, sigmas)
    flow = is_flow(scheduler)
    nodes = [_of_rho(rho, flow) for rho in sigmas[first : first + len(times) + 1]]
    return [*times, 0], [a for a, _ in nodes], [s for _, s in nodes]


def _offset(scheduler: Any, times: list[int | float], sigmas: list[float]) -> int:
    """Where timesteps that were sliced after `set_timesteps` begin among the sigmas, by value.

    Image-to-image pipelines leave out the noisiest steps in this way; `noise_level` does the same.

    Raises:
        ValueError: no slice of the sigmas, or more than one, belongs to these timesteps.
    """
    name, count, config = type(scheduler).__name__, len(times), scheduler.config
    by_value = config.get("interpolation_type") != "log_linear" and config.get("timestep_type") != "continuous"
    if times and by_value:
        time, nodes = time_from_scheduler(scheduler), [_of_rho(rho, is_flow(scheduler)) for rho in sigmas if rho > 0]
        found = [time(math.log(alpha / sigma) if alpha > 0 else -math.inf) for alpha, sigma in nodes]
        fits = [
            k
            for k in range(min(len(found), len(sigmas) - 1) - count + 1)
            if all(abs(found[k + i] - t) < 1.01 for i, t in enumerate(times))  # diffusers truncates some times
        ]
        tail = scheduler.num_inference_steps - count
        if tail in fits or len(fits) == 1:  # where the times are dense, neighbouring slices fit too
            return tail if tail in fits else fits[0]
    raise ValueError(
        f"The {name} has {count} timesteps but {len(sigmas)} sigmas, and no single slice of the sigmas belongs to "
        "these timesteps; call set_timesteps again, and give noise_level to start later."
    )


def _from_cumulative_alphas(scheduler: Any) -> Nodes:
    times = scheduler.timesteps.tolist()
    # the last step goes to final_alpha_cumprod (1, or alpha_bar_0) in DDIM, to the image in DDPM
    last = float(getattr(scheduler, "final_alpha_cumprod", 1.0))
    alpha_bar = [*scheduler.alphas_cumprod[times].double().tolist(), last]
    return [*times, 0], [math.sqrt(a) for a in alpha_bar], [math.sqrt(1 - a) for a in alpha_bar]


def own_ends(scheduler: Any) -> list[Grid] | None:
    """The two nodes of every step that DDIM's own `step` takes, where they are not those of the grid; else None.

    A step from t ends at t - T // N (N: the number of steps that was asked for), and below 0 at final_alpha_cumprod.
    """
    if not type(scheduler).__name__.startswith("DDIM"):
        return None
    times = scheduler.timesteps.tolist()
    stride = scheduler.config.num_train_timesteps // scheduler.num_inference_steps
    ends = [t - stride for t in times]
    if all(end == t for end, t in zip(ends, times[1:], strict=False)) and ends[-1] < 0:
        return None
    bars = scheduler.alphas_cumprod.double().tolist()
    final = float(scheduler.final_alpha_cumprod)
    pairs = [(bars[t], bars[end] if end >= 0 else final) for t, end in zip(times, ends, strict=True)]
    return [
        Grid((t, max(end, 0)), (math.sqrt(a), math.sqrt(b)), (math.sqrt(1 - a), math.sqrt(1 - b)))
        for t, end, (a, b) in zip(times, ends, pairs, strict=True)
        if b > a
    ]


def _first_order(scheduler: Any) -> Solver:
    return Solver(lower_order_final=_reader(scheduler).nodes(scheduler)[2][-1] == 0)


def _euler_ancestral(scheduler: Any) -> Solver:
    """Its sigma_up and sigma_down are those of DDIM with eta = 1, for states divided by alpha."""
    return Solver(eta=1.0, lower_order_final=True)


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
    return Solver(
        order=config.solver_order,
        family="data" if config.predict_x0 else "noise",
        multistep="unipc-bh1" if config.solver_type == "bh1" else "unipc-bh2",
        lower_order_final=config.lower_order_final,
        refused=_unipc_refusal(scheduler),
    )


def _unipc_refusal(scheduler: Any) -> str:
    config = scheduler.config
    if scheduler.solver_p is not None or config.disable_corrector:
        return "solver_p or disable_corrector: the table has UniPC's own predictor and corrector only"
    return ""


def _few_steps(scheduler: Any) -> bool:
    """diffusers' rule for the last step of DPM-Solver and DEIS."""
    return bool(scheduler.config.lower_order_final and scheduler.num_inference_steps < 15)


SCHEDULERS: dict[str, Reader] = {
    "DDIMParallelScheduler": Reader(_from_cumulative_alphas, _first_order),
    "DDIMScheduler": Reader(_from_cumulative_alphas, _first_order),
    "DDPMParallelScheduler": Reader(_from_cumulative_alphas, _ancestral),
    "DDPMScheduler": Reader(_from_cumulative_alphas, _ancestral),
    "DEISMultistepScheduler": Reader(_from_sigmas, _deis),
    "DPMSolverMultistepScheduler": Reader(_from_sigmas, _dpmsolver),
    "EulerAncestralDiscreteScheduler": Reader(_from_sigmas, _euler_ancestral),
    "EulerDiscreteScheduler": Reader(_from_sigmas, _first_order),
    "FlowMapEulerDiscreteScheduler": Reader(_from_sigmas, _flow_euler),
    "FlowMatchEulerDiscreteScheduler": Reader(_from_sigmas, _flow_euler),
    "UniPCMultistepScheduler": Reader(_from_sigmas, _unipc),
}
"""The supported schedulers, by class name."""


def _rho(alpha_bar: float) -> float:
    return math.sqrt((1 - alpha_bar) / alpha_bar)


def _sigma_min(scheduler: Any) -> float:
    if is_flow(scheduler):
        return 1 / float(scheduler.config.num_train_timesteps)
    return _rho(float(scheduler.alphas_cumprod[0]))


def _of_rho(rho: float, flow: bool) -> tuple[float, float]:
    """alpha, sigma of a node that diffusers keeps as one number: sigma / alpha, or a flow's sigma."""
    if flow:
        return 1 - rho, rho
    alpha = 1 / math.sqrt(1 + rho * rho)
    return alpha, alpha * rho


def _without_repeats(times: list[int | float], alpha: list[float], sigma: list[float]) -> Grid:
    """The grid without nodes that are as clean as the last one."""
    last = len(times) - 1
    kept = [i for i in range(last + 1) if i == last or sigma[i] * alpha[last] > sigma[last] * alpha[i] * (1 + 1e-6)]
    if len(kept) < 2:
        raise ValueError(
            "The scheduler's only step has length zero: it begins and ends at the same noise level. Use more steps, or "
            "final='zero'."
        )
    return Grid(*(tuple(values[i] for i in kept) for values in (times, alpha, sigma)))
