"""Discretise, then optimise: the exact gradient of the discrete sampler, one vector-Jacobian product a step.

The transpose of the sampler's table (Kidger 2022, s. 5.1.2.3, recommends this way to differentiate). With g_i =
dL/dx_i and G_i = dL/dm_i,

    G_i     = sum_j B_{i+j,j} g_{i+1+j}
    g_i     = A_i g_{i+1} + P_i G_i + (d net_i / d x)^T (Q_i G_i)
    g_z    += (d net_i / d z)^T (Q_i G_i),         g_theta likewise;  of a scheduled z_i, this step's share is all
    g_{w_i} = D_i g_{i+1}

The Jacobian is taken at x_i, the NOISIER end of the step. Taking it at the cleaner end is AdjointDEIS-1
(gradients/continuous.py), which is only a first-order approximation of the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.gradients.base import Constants, LossAndGradients, LossFn, checked, gather, loss_and_cotangent
from adjointdeis.gradients.checkpointing import Advance, Drop, Keep, Restore, Reverse, plan
from adjointdeis.gradients.memory import FREE_SHARE, Room, divide, free_bytes, measuring, move
from adjointdeis.gradients.network_parameters import all_parameters
from adjointdeis.gradients.vjp import Recorded
from adjointdeis.sample import History, follow, step, z_at
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State


@dataclass(frozen=True)
class DiscreteAdjoint:
    """The default gradient method: exact, and by default no graph outlives its step.

    With all states kept it makes N network calls without and N with a gradient, and holds N states and the
    activations of one call. A state is small beside those (256 KiB at 4 x 128 x 128), so keep all unless states are
    huge; with fewer, some steps are computed again as checkpointing.py plans, and the gradient stays the same.

    Where memory is plentiful, keep the graphs of the last steps: these need no second call, so with all N of them
    kept a gradient takes N calls instead of 2 N, and the memory of plain automatic differentiation. graphs=1 costs no
    more memory than none, unless the loss itself is large: its graph and that of one step are then kept together.

    Args:
        checkpoints: the most states kept at once, >= 1; all if None.
        memory_budget: bytes that kept states and graphs may take together, wherever the states lie, instead of
            `checkpoints`; they are divided so that the fewest network calls are made.
        graphs: of how many last steps the graph is kept, >= 0; with a memory budget, at most so many. "auto": as many
            as fit into the memory budget, or, without one, beside the states into half of the memory that is free
            (memory.FREE_SHARE). What one graph takes is measured on the first step.
        states_on: device of the kept states, such as "cpu" while the network is on a GPU; that of x_T if None.

    Raises:
        ValueError: both checkpoints and memory_budget are given, or one is not positive, or graphs is below 0.
    """

    checkpoints: int | None = None
    memory_budget: int | None = None
    graphs: int | str = 0
    states_on: torch.device | str | None = None

    def __post_init__(self) -> None:
        if self.checkpoints is not None and self.memory_budget is not None:
            raise ValueError("Give checkpoints or memory_budget, not both.")
        for name in ("checkpoints", "memory_budget"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        if self.graphs != "auto" and (isinstance(self.graphs, str) or self.graphs < 0):
            raise ValueError(f"graphs must be a number of steps, at least 0, or 'auto'; got {self.graphs!r}.")

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        noises: Noises | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod.

        Raises:
            ValueError: also where not even one state fits into the memory budget.
        """
        return checked(self._differentiate, model, sampler, x_T, z, loss_fn, noises, wrt)

    def _differentiate(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        w: Noises | None,
        wrt: Sequence[str],
    ) -> LossAndGradients:
        constants = Constants(model, z, wrt)
        backwards = _Pass(sampler, x_T, w, constants, loss_fn, "noises" in wrt, self._device(x_T))
        unknown = self.graphs == "auto" or (self.memory_budget is not None and self.graphs != 0)
        done = backwards.run(self._room(sampler, x_T, backwards.measure() if unknown else 0))
        return gather(done.loss, done.image, done.g, done.g_w, constants, wrt)

    def _room(self, sampler: Sampler, x_T: State, graph: int = 0) -> Room:
        """What is kept, if one step's graph takes so many bytes."""
        state = x_T.numel() * x_T.element_size()
        most = self.graphs if isinstance(self.graphs, int) else sampler.steps
        if self.memory_budget is not None:
            return divide(self.memory_budget, sampler.steps, state, graph, 1 + sampler.carried, most)
        if self.graphs == "auto":
            # a multistep sampler resumes from its history, too, unless all states are kept
            few = self.checkpoints is not None and self.checkpoints <= sampler.steps
            kept = (self.checkpoints or 0) * (1 + sampler.carried) if few else sampler.steps + 1
            beside = kept * state if self._device(x_T) == x_T.device else 0
            left = FREE_SHARE * (free_bytes(x_T.device) or 0) - beside
            most = max(int(left // max(graph, 1)), 0)
        return Room(self.checkpoints, min(most, sampler.steps))

    def _device(self, x_T: State) -> torch.device:
        """Where states are kept, with its index."""
        return x_T.device if self.states_on is None else torch.empty(0, device=self.states_on).device


class _Pass:
    """One sampling and its reversal, as a plan says.

    After `run`: image, loss, g = dL/dx_T, g_w = dL/dw, and the constants with their sums.
    """

    def __init__(
        self,
        sampler: Sampler,
        x_T: State,
        noises: Noises | None,
        constants: Constants,
        loss_fn: LossFn,
        wants_noises: bool,
        states_on: torch.device,
    ) -> None:
        self.sampler, self.noises, self.loss_fn, self.constants = sampler, noises, loss_fn, constants
        self.x, self.history = x_T, History()
        self.home, self.states_on = x_T.device, states_on
        self.kept: dict[int, tuple[State, History]] = {}
        self.graphs: dict[int, Recorded] = {}
        self.G: dict[int, Tensor] = {}
        self.g_w = torch.empty_like(noises) if noises is not None and wants_noises else None
        self.measured: Recorded | None = None

    def measure(self) -> int:
        """Bytes that the graph of one step keeps, of the first; `run` uses what was computed."""
        shared = list(self.constants.leaves)
        with suppress(NotImplementedError):  # a wrapper may refuse to name what it cannot differentiate
            shared += all_parameters(self.constants.model).values()
        with measuring(shared, self.home) as found:
            self.measured = self.constants.record(self.sampler.rows[0].time, self.x, 0)
        for v in (self.measured.leaves[0], self.measured.output):
            found.count(v)
        return found.bytes

    @torch.no_grad()
    def run(self, room: Room) -> _Pass:
        """Follow the plan for the room there is; the steps whose graphs are kept are its last link."""
        first = self.sampler.steps - room.graphs
        for action in plan(first, room.states) if first else [Reverse(0)]:
            match action:
                case Keep(i):
                    # where every state is kept none is advanced from again, and none needs its history
                    self.kept[i] = self._moved(self.x, () if room.states is None else self.history, self.states_on)
                case Restore(i):
                    self.x, self.history = self._moved(*self.kept[i], self.home)
                case Drop(i):
                    del self.kept[i]
                case Advance(start, stop):
                    self._advance(start, stop)
                case Reverse(i) if i == first:
                    self._record_from(first)
                    self.image = self.x
                    self.loss, self.g = loss_and_cotangent(self.loss_fn, self.x)
                    for k in reversed(range(first, self.sampler.steps)):
                        self._reverse(k)
                case Reverse(i):
                    self._reverse(i)
        return self

    def _moved(self, x: State, history: History, device: torch.device) -> tuple[State, History]:
        return move(x, device), tuple(move(m, device) for m in history)

    def _advance(self, start: int, stop: int) -> None:
        for i in range(start, stop):
            row, noise = self.sampler.rows[i], self._noise(i)
            if i == 0 and self.measured is not None:
                output, self.measured = self.measured.output.detach(), None
                self.x, self.history = follow(row, self.x, output, self.history, noise)
            else:
                z = z_at(self.constants.z, i)
                self.x, self.history = step(row, self.constants.model, self.x, z, self.history, noise)

    def _record_from(self, first: int) -> None:
        """The last steps, with their graphs."""
        for i in range(first, self.sampler.steps):
            row = self.sampler.rows[i]
            if i == 0 and self.measured is not None:
                self.graphs[i], self.measured = self.measured, None
            else:
                self.graphs[i] = self.constants.record(row.time, self.x, i)
            output = self.graphs[i].output.detach()
            self.x, self.history = follow(row, self.x, output, self.history, self._noise(i))

    def _noise(self, i: int) -> Tensor | None:
        return None if self.noises is None else self.noises[i]

    def _reverse(self, i: int) -> None:
        """From g_{i+1} to g_i, with step i's shares of the other gradients."""
        row, g = self.sampler.rows[i], self.g
        for j, weight in enumerate(row.B):
            self.G[i - j] = self.G[i - j] + weight * g if i - j in self.G else weight * g
        if self.g_w is not None:
            self.g_w[i] = row.D * g
        G_i = self.G.pop(i)
        graph = self.graphs.pop(i) if i in self.graphs else self.constants.record(row.time, self.x, i)
        pulled, shares = self.constants.pull(graph, row.Q * G_i)
        self.constants.add(shares, step=i)
        self.g = row.A * g + row.P * G_i + pulled
