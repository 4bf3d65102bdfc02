"""`CostModel`: network calls, seconds and bytes of a run with this model on this device, measured by earlier runs.

calls   = n e + k u + n          n sampling steps, k updates; e calls to encode a step, u of an update
seconds = (n e + n) call + k (n update - kept call)
bytes   = bytes in use before the run + bytes that the gradient method keeps
"""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.core.gradients import CALLS_TO_ENCODE, GRADIENTS, calls_to_update, graphs_kept
from studio.core.settings import GradientName, Settings
from studio.runs.measures.memory import Need


@dataclass(frozen=True)
class Cost:
    """Of a whole run; None before the first measurement."""

    calls: int
    seconds: float | None
    memory: int | None


@dataclass
class CostModel:
    """Seconds of one network call without a gradient, and of one sampling step while optimising (sampled and
    differentiated, without a graph kept), by gradient method. Every run updates it. Each new measurement has the weight
    1/2, so that a slow moment has little effect after a few runs.

    Args:
        call: seconds of a call.
        updates: seconds of an update for each sampling step, by gradient method.
        inversion: network calls to encode one ODE step.
        need: bytes that a run keeps.
        base: bytes in use besides.
        graphs: number of last steps whose graph the discrete adjoint keeps.
        confines: whether the model has parts to which the prompt of an edit confines it.
    """

    call: float | None = None
    updates: dict[GradientName, float] = field(default_factory=dict)
    inversion: float = CALLS_TO_ENCODE["ode"]
    need: Need | None = None
    base: float | None = None
    graphs: int = 0
    confines: bool = False

    def cost(self, settings: Settings, steps: int) -> Cost:
        """The cost of a run of `steps` sampling steps, after the noise level's cut."""
        memory = None
        if self.need is not None and self.base is not None:
            memory = round(self.base) + self.need.extra(settings, steps, self.graphs)
        encoding = steps * self._to_encode(settings)
        everywhere = settings.everywhere or (settings.only_named and not self.confines)
        held = 0 if everywhere or settings.mode == "ode" else steps  # the noise outside of an area
        updates = settings.optimisation_steps * (calls_to_update(settings.gradient, steps, self.graphs) + held)
        return Cost(round(encoding + updates + steps), self.remaining(settings, steps), memory)

    def remaining(self, settings: Settings, steps: int, encoded: int = 0, updated: int = 0) -> float | None:
        """Expected seconds to the end of a run, None before both paces are measured.

        Args:
            settings: of the run.
            steps: sampling steps of one pass, after the noise level's cut.
            encoded: sampling steps encoded so far.
            updated: optimisation steps done so far.
        """
        update = self._update(settings.gradient)
        if self.call is None or update is None:
            return None
        # the last frame is sampled without a gradient
        calls = (steps - encoded) * self._to_encode(settings) + steps
        each = steps * update - self._spared(settings, steps) * self.call
        return calls * self.call + max(settings.optimisation_steps - updated, 0) * each

    def record_encoding(self, seconds: float, calls: int, settings: Settings, steps: int) -> None:
        """Encoding `steps` sampling steps made `calls` network calls in `seconds`."""
        self.call = _mixed(self.call, seconds / calls)
        if settings.mode == "ode":
            self.inversion = _mixed(self.inversion, calls / steps)

    def record_update(self, seconds: float, settings: Settings, steps: int) -> None:
        """One optimisation step through `steps` sampling steps took `seconds`."""
        whole = seconds + self._spared(settings, steps) * (self.call or 0.0)
        self.updates[settings.gradient] = _mixed(self.updates.get(settings.gradient), whole / steps)

    def record_memory(self, peak: int, settings: Settings, steps: int) -> None:
        """The peak of a whole run was `peak` bytes; 0 if not measured."""
        if self.need is not None and peak:
            self.base = _mixed(self.base, max(peak - self.need.extra(settings, steps, self.graphs), 0))

    def _to_encode(self, settings: Settings) -> float:
        return self.inversion if settings.mode == "ode" else CALLS_TO_ENCODE["sde"]

    def _update(self, gradient: GradientName) -> float | None:
        """Measured for this method, or estimated from another method by the numbers of calls."""
        if gradient in self.updates:
            return self.updates[gradient]
        estimates = [
            seconds * calls_to_update(gradient, 1, 0) / calls_to_update(other, 1, 0)
            for other, seconds in self.updates.items()
        ]
        return estimates[0] if estimates else None

    def _spared(self, settings: Settings, steps: int) -> int:
        """Calls of an update that a method need not make again because the model allows it to keep graphs."""
        allowed = GRADIENTS[settings.gradient].keeps_graphs == "allowed"
        return graphs_kept(settings.gradient, steps, self.graphs) if allowed else 0


def _mixed(before: float | None, now: float) -> float:
    return now if before is None else (before + now) / 2
