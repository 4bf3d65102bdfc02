"""How accurate is each gradient method? `python -m benchmarks.adjoints`

The network is the exact score of a mixture of three Gaussians whose means depend on z (float64); the grids are those of
diffusers' schedulers. Each gradient is compared with two references:

    sampler's   the exact gradient of the sampled image, by `audit`
    flow's      the gradient of the probability-flow ODE, by DPM-Solver-2M with 3000 steps

The tables show cosine / length ratio, which is 1 / 1 for an exact gradient. |h| is the largest step of the adjoint's
grid in lambda.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from adjointdeis import (
    ContinuousAdjoint,
    DiscreteAdjoint,
    GradientMethod,
    Grid,
    Sampler,
    SubgridAdjoint,
    audit,
    grid_from_scheduler,
)
from adjointdeis.audit import compare, largest_step
from benchmarks.gaussian_mixture import FEATURES, SHAPE, Mixture, Problem

BATCH = 16


def world(seed: int = 0) -> Problem:
    """The problem: 16 images of 12 values, with 16 target images."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    model = Mixture(0.5 * normal(3, FEATURES, math.prod(SHAPE)), schedule=by_log_snr)
    target = normal(BATCH, *SHAPE)
    return Problem(model, normal(BATCH, *SHAPE), normal(BATCH, FEATURES), target)


def by_log_snr(t: float) -> tuple[float, float]:
    """alpha and sigma at t = -lambda."""
    return 1 / math.sqrt(1 + math.exp(2 * t)), 1 / math.sqrt(1 + math.exp(-2 * t))


def grid(betas: str, steps: int) -> Grid:
    """The scheduler's grid ("linspace" spacing, to the last training time), with times -lambda."""
    make: Any = DPMSolverMultistepScheduler  # diffusers' classes are not annotated as callables
    scheduler = make(beta_schedule=betas, timestep_spacing="linspace")
    scheduler.set_timesteps(steps)
    nodes = grid_from_scheduler(scheduler, "sigma_min")
    return replace(nodes, times=tuple(-value for value in nodes.log_snr))


def flow(nodes: Grid, steps: int = 3000) -> Sampler:
    """DPM-Solver-2M with many steps between the ends of a grid, as a reference for the flow."""
    first, last = nodes.log_snr[0], nodes.log_snr[-1]
    log_snr = [first + (last - first) * i / steps for i in range(steps + 1)]
    alpha, sigma = zip(*(by_log_snr(-value) for value in log_snr), strict=True)
    return Sampler.from_grid(Grid(tuple(-value for value in log_snr), alpha, sigma), order=2)


METHODS: dict[str, tuple[int, GradientMethod]] = {
    "DiscreteAdjoint, order 1": (1, DiscreteAdjoint()),
    "DiscreteAdjoint, order 2": (2, DiscreteAdjoint()),
    "AdjointDEIS-1": (1, ContinuousAdjoint(order=1)),
    "AdjointDEIS-2M": (2, ContinuousAdjoint(order=2)),
}
COARSER: dict[str, Callable[[int], GradientMethod]] = {
    "SubgridAdjoint": SubgridAdjoint,
    "AdjointDEIS-1": lambda m: ContinuousAdjoint(order=1, steps=m),
    "AdjointDEIS-2M": lambda m: ContinuousAdjoint(order=2, steps=m),
}


def against_sampler(method: GradientMethod, sampler: Sampler, where: Problem) -> dict[str, tuple[float, float]]:
    """By variable, cosine and length ratio with the sampler's gradient."""
    found = audit(method, where.model, sampler, where.x_T, where.z, where.loss_fn)
    return {name: (found.cosine[name], found.length_ratio[name]) for name in found.cosine}


def against_flow(
    method: GradientMethod, sampler: Sampler, where: Problem, truth: dict[str, Tensor]
) -> dict[str, tuple[float, float]]:
    """By variable, cosine and length ratio with the flow's gradient `truth`."""
    found = method.value_and_grad(where.model, sampler, where.x_T, where.z, where.loss_fn).grads
    return {name: compare(found[name].flatten(), g.flatten()) for name, g in truth.items()}


def same_grid(betas: str, steps: int, where: Problem) -> list[list[str]]:
    """One row for each method on the sampler's own grid."""
    nodes = grid(betas, steps)
    truth = DiscreteAdjoint().value_and_grad(where.model, flow(nodes), where.x_T, where.z, where.loss_fn).grads
    rows = []
    for name, (order, method) in METHODS.items():
        sampler = Sampler.from_grid(nodes, order=order)
        own, of_flow = against_sampler(method, sampler, where), against_flow(method, sampler, where, truth)
        cells = [_show(found[variable]) for found in (own, of_flow) for variable in ("x_T", "z")]
        rows.append([betas, str(steps), f"{largest_step(sampler):.2f}", name, *cells])
    return rows


def coarser_grid(betas: str, steps: int, few: int, where: Problem) -> list[list[str]]:
    """One row for each adjoint with fewer steps than the sampler, compared with the sampler's gradient."""
    sampler = Sampler.from_grid(grid(betas, steps))
    rows = []
    for name, make in COARSER.items():
        found = audit(make(few), where.model, sampler, where.x_T, where.z, where.loss_fn)
        shown = [_show((found.cosine[v], found.length_ratio[v])) for v in ("x_T", "z")]
        rows.append([betas, f"{steps} / {few}", f"{found.largest_step:.2f}", name, *shown])
    return rows


def of_sde(betas: str, steps: int, where: Problem) -> list[list[str]]:
    """Lengths of dL/dx_T, dL/dw and dL/dz of an SDE sampler, and AdjointDEIS-1 compared with them."""
    rows = []
    for family in ("noise", "data"):
        sampler = Sampler.from_grid(grid(betas, steps), sde=True, family=family)
        w = sampler.draw_noises(where.x_T, torch.Generator().manual_seed(1))
        arguments = (where.model, sampler, where.x_T, where.z, where.loss_fn, w, ("x_T", "noises", "z"))
        exact = DiscreteAdjoint().value_and_grad(*arguments).grads
        found = audit(ContinuousAdjoint(order=1), *arguments)
        shown = [
            f"{exact[v].norm():.1e}; {_show((found.cosine[v], found.length_ratio[v]))}" for v in ("x_T", "noises", "z")
        ]
        rows.append([betas, str(steps), f"{found.largest_step:.2f}", family, *shown])
    return rows


def _show(found: tuple[float, float]) -> str:
    return f"{found[0]:.4f} / {found[1]:.3g}"


def _table(head: str, rows: list[list[str]]) -> None:
    print(f"\n| {head} |\n|{'---|' * (head.count('|') + 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 20, 50], help="numbers of sampling steps N")
    options, where = parser.parse_args(), world()
    kinds = ("linear", "scaled_linear")
    _table(
        "betas | N | h | method | sampler's x_T | sampler's z | flow's x_T | flow's z",
        [row for betas in kinds for steps in options.steps for row in same_grid(betas, steps, where)],
    )
    _table(
        "betas | N / M | h | method | x_T | z",
        [row for betas in kinds for few in (20, 10, 5) for row in coarser_grid(betas, 40, few, where)],
    )
    _table(
        "betas | N | h | SDE family | x_T: length; AdjointDEIS-1 | noises | z",
        [row for steps in options.steps for row in of_sde("linear", steps, where)],
    )


if __name__ == "__main__":
    main()
