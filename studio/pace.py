"""`Pace`: how fast this device is with this model, measured by the runs themselves."""

from __future__ import annotations

from dataclasses import dataclass

from studio.settings import Settings


@dataclass
class Pace:
    """Seconds of one sampling step while encoding, and while optimising (sampled and differentiated).

    Brought up to date by every run; each measurement counts half, so that a busy moment is soon forgotten.
    """

    encode: float | None = None
    optimise: float | None = None

    def remaining(self, settings: Settings, steps: int, encoded: int = 0, updated: int = 0) -> float | None:
        """Expected seconds to the end of a run, None until both paces were measured once.

        Args:
            settings: of the run.
            steps: sampling steps of one pass, after the noise level's cut.
            encoded: sampling steps encoded so far.
            updated: optimisation steps done so far.
        """
        if self.encode is None or self.optimise is None:
            return None
        # the last frame is sampled without a gradient, which costs about what encoding costs
        plain = steps - encoded + steps
        return plain * self.encode + max(settings.optimisation_steps - updated, 0) * steps * self.optimise

    def saw_encoding(self, seconds: float, steps: int) -> None:
        """`steps` sampling steps were encoded in `seconds`."""
        self.encode = _mixed(self.encode, seconds / steps)

    def saw_update(self, seconds: float, steps: int) -> None:
        """One optimisation step through `steps` sampling steps took `seconds`."""
        self.optimise = _mixed(self.optimise, seconds / steps)


def _mixed(before: float | None, now: float) -> float:
    return now if before is None else (before + now) / 2
