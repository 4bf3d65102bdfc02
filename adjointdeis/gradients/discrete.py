"""Discretise, then optimise: the exact gradient of the discrete sampler, one vector-Jacobian product a step.

The transpose of the sampler's table (Kidger 2022, s. 5.1.2.3, recommends this way to differentiate). With g_i =
dL/dx_i and G_i = dL/dm_i,

    G_i     = sum_j B_{i+j,j} g_{i+1+j}
    g_i     = A_i g_{i+1} + P_i G_i + (d net_i / d x)^T (Q_i G_i)
    g_z    += (d net_i / d z)^T (Q_i G_i),         g_theta likewise;  for a scheduled z this is dL/dz_i
    g_{w_i} = D_i g_{i+1}

The Jacobian is taken at x_i, the NOISIER end of the step. Taking it at the cleaner end is AdjointDEIS-1
(gradients/continuous.py), which is only a first-order approximation of the same gradient.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from adjointdeis.gradients.base import CheckedMethod, LossAndGradients, gather
from adjointdeis.gradients.checkpointing import Advance, Discard, Restore, Reverse, Store, checkpoint_schedule
from adjointdeis.gradients.loss import loss_and_cotangent
from adjointdeis.gradients.memory import FREE_SHARE, Allocation, allocate, free_bytes, measure_graph, to_device
from adjointdeis.gradients.network_parameters import all_parameters
from adjointdeis.gradients.problem import Problem
from adjointdeis.gradients.vjp import NetworkVJP, RecordedCall
from adjointdeis.sample import History, follow, step, z_at
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import State


@dataclass(frozen=True)
class DiscreteAdjoint(CheckedMethod):
    """The default gradient method: exact, and by default no graph outlives its step.

    With all states stored it makes N network calls without and N with a gradient, and holds N states and the
    activations of one call. A state is small beside those (256 KiB at 4 x 128 x 128), so store all unless states are
    huge. With fewer, some steps are computed again (checkpointing.py), and the gradient stays the same.

    Where memory is plentiful, store the graphs of the last steps: these need no second call, so with all N of them
    a gradient takes N calls instead of 2 N, and the memory of plain automatic differentiation. graphs=1 costs no
    more memory than none, unless the loss itself is large: its graph and that of one step are then held together.

    Args:
        checkpoints: the most states stored at once, >= 1; all if None.
        memory_budget: bytes that stored states and graphs may take together, on any device, instead of
            `checkpoints`; they are divided so that the fewest network calls are made.
        graphs: how many last steps store their graph, >= 0; with a memory budget, at most so many. "auto": as many
            as fit into the memory budget, or, without one, beside the states into half of the free memory
            (memory.FREE_SHARE). The size of one graph is measured on the first step.
        states_on: device of the stored states, such as "cpu" while the network is on a GPU; that of x_T if None.

    Raises:
        ValueError: both checkpoints and memory_budget are given, or one is not positive, or graphs is below 0. By
            `value_and_grad`: also where the memory budget is below one state.
    """

    checkpoints: int | None = None
    memory_budget: int | None = None
    graphs: int | str = 0
    states_on: torch.device | str | None = None

    def __post_init__(self) -> None:
        if self.checkpoints is not None and self.memory_budget is not None:
            raise ValueError("Pass checkpoints or memory_budget, not both.")
        for name in ("checkpoints", "memory_budget"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}.")
        if self.graphs != "auto" and (isinstance(self.graphs, str) or self.graphs < 0):
            raise ValueError(f"graphs must be a number of steps, at least 0, or 'auto'; got {self.graphs!r}.")

    def _differentiate(self, problem: Problem) -> LossAndGradients:
        reversal = _Reversal(problem, self._device(problem.x_T))
        unknown = self.graphs == "auto" or (self.memory_budget is not None and self.graphs != 0)
        graph = reversal.measure() if unknown else 0
        return reversal.run(self._allocation(problem.sampler, problem.x_T, graph))

    def _allocation(self, sampler: Sampler, x_T: State, graph: int = 0) -> Allocation:
        """What is stored, if one step's graph takes `graph` bytes."""
        state = x_T.numel() * x_T.element_size()
        most = self.graphs if isinstance(self.graphs, int) else sampler.steps
        if self.memory_budget is not None:
            return allocate(self.memory_budget, sampler.steps, state, graph, 1 + sampler.carried, most)
        if self.graphs == "auto":
            # a multistep sampler resumes from its history, too, unless all states are stored
            few = self.checkpoints is not None and self.checkpoints <= sampler.steps
            stored = (self.checkpoints or 0) * (1 + sampler.carried) if few else sampler.steps + 1
            beside = stored * state if self._device(x_T) == x_T.device else 0
            left = FREE_SHARE * (free_bytes(x_T.device) or 0) - beside
            most = max(int(left // max(graph, 1)), 0)
        return Allocation(self.checkpoints, min(most, sampler.steps))

    def _device(self, x_T: State) -> torch.device:
        """Where states are stored, with its index."""
        return x_T.device if self.states_on is None else torch.empty(0, device=self.states_on).device


class _Reversal:
    """One sampling pass and its reversal, by a checkpointing schedule.

    The current state is x with its history of outputs; g = dL/dx and G[i] = dL/dm_i follow it backwards.
    """

    def __init__(self, problem: Problem, states_on: torch.device) -> None:
        self.problem, self.rows, self.noises = problem, problem.sampler.rows, problem.w
        self.network = NetworkVJP(problem.model, problem.z, problem.wrt)
        self.x, self.history = problem.x_T, History()
        self.home, self.states_on = problem.x_T.device, states_on
        self.stored: dict[int, tuple[State, History]] = {}
        self.graphs: dict[int, RecordedCall] = {}
        self.G: dict[int, Tensor] = {}
        self.g_w = problem.empty_noise_gradient()
        self.measured: RecordedCall | None = None

    def measure(self) -> int:
        """Bytes of the graph of the first step, whose output and graph `run` uses again."""
        shared = list(self.network.leaves)
        with suppress(NotImplementedError):  # a wrapper may refuse to name what it cannot differentiate
            shared += all_parameters(self.network.model).values()
        with measure_graph(shared, self.home) as found:
            self.measured = self.network.record(self.rows[0].time, self.x, 0)
        for v in (self.measured.leaves[0], self.measured.output):
            found.count(v)
        return found.bytes

    @torch.no_grad()
    def run(self, allocation: Allocation) -> LossAndGradients:
        """Follow the schedule; the steps whose graphs are stored are its last link."""
        first = len(self.rows) - allocation.graphs
        for action in checkpoint_schedule(first, allocation.checkpoints) if first else [Reverse(0)]:
            match action:
                case Store(i):
                    # where every state is stored none is advanced from again, and none needs its history
                    history = () if allocation.checkpoints is None else self.history
                    self.stored[i] = self._moved(self.x, history, self.states_on)
                case Restore(i):
                    self.x, self.history = self._moved(*self.stored[i], self.home)
                case Discard(i):
                    del self.stored[i]
                case Advance(start, stop):
                    self._advance(start, stop)
                case Reverse(i) if i == first:
                    self._record_from(first)
                    image = self.x
                    loss, self.g = loss_and_cotangent(self.problem.loss_fn, image)
                    for k in reversed(range(first, len(self.rows))):
                        self._reverse(k)
                case Reverse(i):
                    self._reverse(i)
        return gather(self.problem, loss, image, self.g, self.g_w, self.network)

    def _moved(self, x: State, history: History, device: torch.device) -> tuple[State, History]:
        return to_device(x, device), tuple(to_device(m, device) for m in history)

    def _advance(self, start: int, stop: int) -> None:
        for i in range(start, stop):
            row, noise = self.rows[i], self._noise(i)
            if i == 0 and self.measured is not None:
                output, self.measured = self.measured.output.detach(), None
                self.x, self.history = follow(row, self.x, output, self.history, noise)
            else:
                z = z_at(self.network.z, i)
                self.x, self.history = step(row, self.network.model, self.x, z, self.history, noise)

    def _record_from(self, first: int) -> None:
        """The last steps, with their graphs."""
        for i in range(first, len(self.rows)):
            row = self.rows[i]
            if i == 0 and self.measured is not None:
                self.graphs[i], self.measured = self.measured, None
            else:
                self.graphs[i] = self.network.record(row.time, self.x, i)
            output = self.graphs[i].output.detach()
            self.x, self.history = follow(row, self.x, output, self.history, self._noise(i))

    def _noise(self, i: int) -> Tensor | None:
        return None if self.noises is None else self.noises[i]

    def _reverse(self, i: int) -> None:
        """From g_{i+1} to g_i, adding the shares of step i to the other gradients."""
        row, g = self.rows[i], self.g
        for j, weight in enumerate(row.B):
            self.G[i - j] = self.G[i - j] + weight * g if i - j in self.G else weight * g
        if self.g_w is not None:
            self.g_w[i] = row.D * g
        G_i = self.G.pop(i)
        graph = self.graphs.pop(i) if i in self.graphs else self.network.record(row.time, self.x, i)
        product, shares = self.network.vjp(graph, row.Q * G_i)
        self.network.add(shares, step=i)
        self.g = row.A * g + row.P * G_i + product
