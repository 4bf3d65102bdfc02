"""The errors of a reversible scheme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from adjointdeis import Grid, LinearVP
from benchmarks.gaussian_mixture import Mixture, Problem, mixture, problem, relative_error
from benchmarks.reversible.schemes import Scheme, Solver, State


def in_lambda(steps: int) -> Grid:
    """A grid uniform in lambda."""
    return LinearVP().uniform_log_snr(steps)


def in_t(steps: int) -> Grid:
    """A grid uniform in t."""
    return LinearVP().grid([1 - 0.999 * i / steps for i in range(steps + 1)])


PROBLEMS: dict[str, tuple[Mixture, Callable[[int], Grid]]] = {
    "a mixture": (mixture(), in_lambda),
    "a mixture of narrow Gaussians (std 0.1)": (mixture(std=0.1), in_lambda),
    "guidance of scale 7.5": (mixture(scale=7.5), in_lambda),
    "guidance of scale 7.5, steps uniform in t": (mixture(scale=7.5), in_t),
}


def run(scheme: Scheme, solver: Solver, x_T: Tensor) -> State:
    """The last state that can be inverted."""
    s = scheme.init(solver, x_T)
    for i in range(scheme.first, solver.grid.steps - scheme.spare):
        s = scheme.step(solver, i, s)
    return s


def invert(scheme: Scheme, solver: Solver, s: State) -> Tensor:
    """x_T, by the inverse steps from the last state."""
    for i in reversed(range(scheme.first, solver.grid.steps - scheme.spare)):
        s = scheme.inverse(solver, i, s)
    return scheme.recover(solver, s)


def gradient(scheme: Scheme, solver: Solver, given: Problem) -> Tensor:
    """dL/dx_T and dL/dz in one vector, with states recomputed by the inverse steps."""
    z = solver.z.clone().requires_grad_()
    free = Solver(solver.grid, solver.net, z, solver.dtype)
    with torch.no_grad():
        s = run(scheme, solver, given.x_T)

    def vjp(function: Any, state: State, g: State) -> tuple[State, Tensor]:
        leaves = [v.detach().requires_grad_() for v in state]
        with torch.enable_grad():
            made = function(leaves)
        found = torch.autograd.grad(made, [*leaves, z], g, allow_unused=True, materialize_grads=True)
        return tuple(found[:-1]), found[-1]

    g, g_z = vjp(lambda v: [given.loss_fn(scheme.image(free, tuple(v))).sum()], s, (torch.ones((), dtype=s[0].dtype),))
    for i in reversed(range(scheme.first, solver.grid.steps - scheme.spare)):
        with torch.no_grad():
            s = scheme.inverse(solver, i, s)
        g, share = vjp(lambda v, i=i: list(scheme.step(free, i, tuple(v))), s, g)
        g_z = g_z + share
    (g_x,), share = vjp(lambda v: list(scheme.init(free, v[0])), (given.x_T,), g)
    return torch.cat([g_x.flatten(), (g_z + share).flatten()])


def by_autograd(scheme: Scheme, solver: Solver, given: Problem) -> Tensor:
    """dL/dx_T and dL/dz in one vector, by automatic differentiation with all states stored."""
    x, z = given.x_T.clone().requires_grad_(), solver.z.clone().requires_grad_()
    free = Solver(solver.grid, solver.net, z, solver.dtype)
    loss = given.loss_fn(scheme.image(free, run(scheme, free, x))).sum()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [x, z])])


def measure(scheme: Scheme, given: Problem, grid: Grid, flow: Tensor) -> tuple[float, ...]:
    """Errors of the image, of three round trips, and of the gradient with the network in float32 and in float64."""
    assert isinstance(given.model, Mixture)
    single, double = given.model.to(torch.float32), given.model
    wide, mixed, narrow = (
        Solver(grid, net, given.z, dtype)
        for net, dtype in ((double, torch.float64), (single, torch.float32), (single, torch.float32))
    )
    errors = []
    with torch.no_grad():
        errors.append(relative_error(scheme.image(wide, run(scheme, wide, given.x_T)), flow))
        for solver, dtype in ((narrow, torch.float32), (mixed, torch.float64), (wide, torch.float64)):
            x_T = given.x_T.to(dtype)
            errors.append(relative_error(invert(scheme, solver, run(scheme, solver, x_T)).double(), x_T.double()))
    for solver in (mixed, wide):
        errors.append(relative_error(gradient(scheme, solver, given), by_autograd(scheme, solver, given)))
    return tuple(errors)


def calls(scheme: Scheme, steps: int) -> int:
    """Network calls of one sampling."""
    count = 0

    class Counted(Solver):
        def eps(self, i: int, x: Tensor) -> Tensor:
            nonlocal count
            count += 1
            return super().eps(i, x)

    given = problem(mixture(), batch=1)
    solver = Counted(in_lambda(steps), mixture(), given.z, torch.float64)
    scheme.image(solver, run(scheme, solver, given.x_T))
    return count
