"""`Pace`: how fast this device is with this model, measured by the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass

from studio.methods import CALLS_TO_ENCODE
from studio.settings import Settings


@dataclass
class Pace:
    """Seconds of one network call without a gradient, and of one sampling step while optimising (sampled and
    differentiated). Brought up to date by every run; each measurement counts half, so that a busy moment is soon
    forgotten.
    """

    call: float | None = None
    update: float | None = None

    def remaining(self, settings: Settings, steps: int, encoded: int = 0, updated: int = 0) -> float | None:
        """Expected seconds to the end of a run, None until both paces were measured once.

        Args:
            settings: of the run.
            steps: sampling steps of one pass, after the noise level's cut.
            encoded: sampling steps encoded so far.
            updated: optimisation steps done so far.
        """
        if self.call is None or self.update is None:
            return None
        # the last frame is sampled without a gradient
        calls = (steps - encoded) * CALLS_TO_ENCODE[settings.mode] + steps
        return calls * self.call + max(settings.optimisation_steps - updated, 0) * steps * self.update

    def saw_encoding(self, seconds: float, calls: int) -> None:
        """An encoding made `calls` network calls in `seconds`."""
        self.call = _mixed(self.call, seconds / calls)

    def saw_update(self, seconds: float, steps: int) -> None:
        """One optimisation step through `steps` sampling steps took `seconds`."""
        self.update = _mixed(self.update, seconds / steps)


def _mixed(before: float | None, now: float) -> float:
    return now if before is None else (before + now) / 2
