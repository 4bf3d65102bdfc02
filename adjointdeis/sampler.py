"""A sampler is a table: one row of numbers a step.

    m_i     = P_i x_i + Q_i net(t_i, x_i, z)
    x_{i+1} = A_i x_i + sum_j B_ij m_{i-j} + D_i w_i

Every linear multistep method is such a recurrence; a new sampler is a new function from grid to rows (tables.py), not
a new loop.

| family | m | order 1 | order 2, "midpoint" | order 2, "exact" | "unipc-bh1", "unipc-bh2" |
|---|---|---|---|---|---|
| "noise" | eps_hat | DDIM = DPM-Solver-1 | DPM-Solver-2M | DEIS-2 (log rho) | UniPC-1, -2 in eps |
| "data" | x0_hat | the same step | DPM-Solver++(2M) | its "heun" form | UniPC-1, -2 |
| "flow" | u_hat | the same step, Euler for flows | Adams-Bashforth 2 in sigma | the same | |
| "noise", SDE | eps_hat | SDE-DPM-Solver-1 (AdjointDEIS eq. 3.6) | SDE-DPM-Solver-2M | its "heun" form | |
| "data", SDE | x0_hat | SDE-DPM-Solver++(1), DDPM | SDE-DPM-Solver++(2M) | its "heun" form | |

and DDIM with eta in [0, 1], from the ODE's step (0) to DDPM's (1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from adjointdeis.denoiser import Prediction, check_prediction
from adjointdeis.schedule import Grid
from adjointdeis.schedulers import Final, grid_from_scheduler, is_flow, own_ends, solver_from_scheduler
from adjointdeis.tables import Family, Multistep, Row, ddim, multistep_row, unipc_row

__all__ = ["Family", "Multistep", "Row", "Sampler"]


@dataclass(frozen=True)
class Sampler:
    """The table and the grid it was built on.

    Args:
        grid: N + 1 nodes.
        rows: N rows.
        prediction_type: what the network predicts.
        sde: whether a noise is injected in every step.
        order: order of the method, 1 or 2.
        eta: DDIM's share of noise in [0, 1], or None for other methods.
    """

    grid: Grid
    rows: tuple[Row, ...]
    prediction_type: Prediction
    sde: bool
    order: int
    eta: float | None = None

    @classmethod
    def from_scheduler(
        cls,
        scheduler: Any,
        *,
        sde: bool | None = None,
        order: int | None = None,
        noise_level: float = 1.0,
        prediction_type: Prediction | None = None,
        family: Family | None = None,
        multistep: Multistep | None = None,
        eta: float | None = None,
        final: Final = "scheduler",
    ) -> Sampler:
        """The table on a diffusers scheduler's own grid.

        If `sde`, `order` and `eta` are all None, it is the scheduler's own sampler, step for step. If one of them is
        set, the others have their defaults: an ODE of order 1.

        Args:
            scheduler: of diffusers, one of schedulers.SCHEDULERS, after `set_timesteps`.
            sde: inject noise.
            order: 1, or 2 for the multistep methods.
            noise_level: share of the grid kept, counted from the clean end, in (0, 1].
            prediction_type: what the network predicts; the scheduler's own setting if None.
            family: "noise", "data" or "flow", see the table above. If None, by the scheduler's algorithm:
                "data" for "sde-dpmsolver++" (SDE) or any "++" (order 2), for UniPC, and for the SDE of DDPM, whose
                ancestral sampling is SDE-DPM-Solver++(1); else "noise", the paper's. At few steps prefer "data" for
                the SDE: SDE-DPM-Solver-1 flips the sign of the remaining noise where h > ln 2.
            multistep: see the table above; the scheduler's own if None.
            eta: DDIM with this share of noise, in [0, 1], instead of `sde` (a diffusers pipeline passes it to each
                step; it is not in the scheduler's configuration).
            final: "scheduler", "sigma_min" to end at the training grid's cleanest time, or "zero" to end at the image.

        Raises:
            ValueError: an argument out of range, no grid yet, or a method that cannot end at sigma = 0.
            NotImplementedError: an unknown scheduler, or one whose own steps have no table.
        """
        named = any(value is not None for value in (sde, order, eta))
        solver = solver_from_scheduler(scheduler)
        corrected = solver.multistep.startswith("unipc") and not named
        grid = grid_from_scheduler(scheduler, final, keep_last=corrected and final == "scheduler")
        if solver.refused and not named:
            raise NotImplementedError(
                f"{type(scheduler).__name__}'s own steps have no table ({solver.refused}). Name sde or order for "
                "another sampler on its grid."
            )
        if family is None:
            family = solver.family if not named else _family(scheduler, bool(sde))
        if multistep is None:
            # a corrector must be named, except in the scheduler's own sampler
            multistep = "midpoint" if named and solver.multistep.startswith("unipc") else solver.multistep
        prediction = prediction_type or _prediction(scheduler)
        _check_kind(scheduler, prediction)
        # where a repeated last node was dropped, the step that diffusers takes at first order went with it
        whole = grid.steps == len(scheduler.timesteps)
        ends = own_ends(scheduler) if (not named or eta is not None) and final == "scheduler" else None
        grid = grid.cut(noise_level)
        if ends is not None:
            rows = [ddim(end, 0, prediction, eta or 0.0)._replace(kept=0) for end in ends[-grid.steps :]]
            return cls(grid, tuple(rows), prediction, bool(eta), 1, eta)
        return cls.from_grid(
            grid,
            sde=bool(sde) if named else solver.sde,
            order=(order or 1) if named else solver.order,
            family=family,
            multistep=multistep,
            eta=eta if named else solver.eta,
            prediction_type=prediction,
            lower_order_final=(solver.lower_order_final and whole) or (family != "flow" and grid.sigma[-1] == 0),
        )

    @classmethod
    def from_grid(
        cls,
        grid: Grid,
        *,
        sde: bool = False,
        order: int = 1,
        family: Family = "noise",
        multistep: Multistep = "midpoint",
        eta: float | None = None,
        prediction_type: Prediction = "epsilon",
        lower_order_final: bool = False,
    ) -> Sampler:
        """The table on any grid; arguments as above. `lower_order_final` makes the last step first-order.

        Raises:
            ValueError: order is not 1 or 2, an unknown name, SDE-DPM-Solver-1 ending at sigma = 0, eta outside [0, 1],
                the flow family, or a prediction, on a grid that is not of its kind.
            NotImplementedError: noise in the flow family or in UniPC; eta with order 2.
        """
        check_prediction(prediction_type)
        _check(grid, sde, order, family, multistep, eta)
        _check_schedule(grid, prediction_type)
        last = grid.steps - 1
        first_order_last = lower_order_final or grid.ends_twice
        lines = [order == 2 and i > 0 and not (first_order_last and i == last) for i in range(grid.steps)]
        rows = []
        for i, line in enumerate(lines):
            if multistep.startswith("unipc"):
                rows.append(unipc_row(grid, i, prediction_type, family, multistep, (lines[i - 1], line)))
            elif eta is not None or (order == 1 and not sde):
                rows.append(ddim(grid, i, prediction_type, eta or 0.0))
            else:
                rows.append(multistep_row(grid, i, prediction_type, family, sde, multistep, line))
        widths = [len(row.B) for row in rows] + [0, 0]
        kept = [max(widths[i + 1] - 1, widths[i + 2] - 2, 0) for i in range(grid.steps)]
        table = tuple(row._replace(kept=k) for row, k in zip(rows, kept, strict=True))
        return cls(grid, table, prediction_type, sde or bool(eta), order, eta)

    @property
    def steps(self) -> int:
        """N, the number of steps, which is the number of network calls of one pass."""
        return len(self.rows)

    @property
    def carried(self) -> int:
        """The most outputs that a step passes to the next beside the state: 0 at first order, else 1 or 2."""
        return max(row.kept for row in self.rows)

    def draw_noises(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Fresh w_0 .. w_{N-1} ~ N(0, I) for states like x (b, *x); (N, b, *x)."""
        device = x.device if generator is None else generator.device
        shape = (self.steps, *x.shape)
        return torch.randn(shape, generator=generator, dtype=x.dtype, device=device).to(x.device)


def _check(grid: Grid, sde: bool, order: int, family: str, multistep: str, eta: float | None) -> None:
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2; got {order}.")
    if family not in get_args(Family):
        raise ValueError(f"family must be one of {', '.join(get_args(Family))}; got {family!r}.")
    if multistep not in get_args(Multistep):
        raise ValueError(f"multistep must be one of {', '.join(get_args(Multistep))}; got {multistep!r}.")
    corrected = multistep.startswith("unipc")
    if eta is not None:
        if not 0 <= eta <= 1:
            raise ValueError(f"eta must be in [0, 1]; got {eta}. 0 is DDIM, 1 is DDPM.")
        if order == 2 or corrected:
            raise NotImplementedError("eta belongs to DDIM, a first-order sampler; leave it out, or use order=1.")
    if (sde or corrected) and family == "flow":
        raise NotImplementedError("The flow family has neither an SDE nor UniPC here; use the data family.")
    if sde and corrected:
        raise NotImplementedError("UniPC is an ODE sampler; use multistep='midpoint' for the SDE.")
    if family == "flow" and any(abs(a + s - 1) > 1e-6 for a, s in zip(grid.alpha, grid.sigma, strict=True)):
        raise ValueError(
            "The flow family needs alpha + sigma = 1 at every node; use a flow-matching scheduler (or "
            "use_flow_sigmas=True), or another family."
        )
    if grid.alpha[0] == 0 and family == "noise" and (sde or order == 2 or corrected):
        raise ValueError(
            "The noise family divides by alpha, which is 0 at the first node (zero terminal SNR, or flow at "
            "t = 1); use order=1 without sde, the data family, or a lower noise level."
        )


def _check_kind(scheduler: Any, prediction: Prediction) -> None:
    """Raises ValueError for v on a flow's schedule, or a flow's velocity on another one."""
    name, flow = type(scheduler).__name__, is_flow(scheduler)
    if prediction == "flow_prediction" and not flow:
        raise ValueError(
            f"{name} has prediction_type='flow_prediction' on a schedule that is not a flow's; set "
            "use_flow_sigmas=True, or use a flow-matching scheduler."
        )
    if prediction == "v_prediction" and flow:
        raise ValueError(
            f"{name} has prediction_type='v_prediction' on a flow's schedule, but v needs alpha^2 + sigma^2 = 1; set "
            "use_flow_sigmas=False, or prediction_type='flow_prediction'."
        )


def _check_schedule(grid: Grid, prediction: Prediction) -> None:
    """v predictions need a variance-preserving schedule, flow predictions a flow: elsewhere the formulas are wrong."""
    power = {"v_prediction": 2, "flow_prediction": 1}.get(prediction)
    called = zip(grid.alpha[:-1], grid.sigma[:-1], strict=True)
    if power and any(abs(a**power + s**power - 1) > 0.02 for a, s in called):
        rule = "alpha^2 + sigma^2 = 1" if power == 2 else "alpha + sigma = 1"
        raise ValueError(
            f"A network of prediction_type={prediction!r} needs {rule}, which this grid does not keep; use a "
            f"{'variance-preserving' if power == 2 else 'flow-matching'} scheduler, or the network's own prediction."
        )


def _family(scheduler: Any, sde: bool) -> Family:
    """The family of a method that is not the scheduler's own, on its grid."""
    algorithm = scheduler.config.get("algorithm_type", "")
    if sde:
        return "data" if algorithm == "sde-dpmsolver++" or type(scheduler).__name__.startswith("DDPM") else "noise"
    if type(scheduler).__name__.startswith("Flow"):
        return "flow"
    return "data" if algorithm.endswith("++") or scheduler.config.get("predict_x0") else "noise"


def _prediction(scheduler: Any) -> Prediction:
    """The scheduler's own; some schedulers for flow matching do not name it."""
    named: Prediction = scheduler.config.get("prediction_type", "flow_prediction")
    return named
