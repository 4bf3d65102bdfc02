"""Presets: named bundles of settings, as data. What a preset does not name stays as the person set it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from studio.core.goals import GOALS, SUITED_FIELDS, Values
from studio.core.settings import Settings

PRESETS: Mapping[str, Values] = MappingProxyType(
    {
        "Quick": {"mode": "sde", "order": 1, "sampling_steps": 2, "noise_level": 1.0, "optimisation_steps": 20},
        # Less than a fifth of the 2,250 network calls of the paper's face morphs; docs/results.md compares the two.
        "Balanced": {"mode": "sde", "order": 1, "sampling_steps": 8, "noise_level": 1.0, "optimisation_steps": 24},
        # The budget of the paper's own face morphs (appendix H.2): 20 steps from full noise, 50 updates.
        "Paper": {"mode": "ode", "order": 1, "sampling_steps": 20, "noise_level": 1.0, "optimisation_steps": 50},
    }
)

DEFAULT = "Quick"

PRESET_FIELDS = tuple(PRESETS[DEFAULT])


class StepRange(NamedTuple):
    """Numbers of sampling steps that suit a model.

    Args:
        fewest: that a preset makes with it.
        most: to which it was distilled; 0 for any.
    """

    fewest: int = 2
    most: int = 0

    def nearest(self, steps: int) -> int:
        """The number in the range that is nearest to `steps`."""
        enough = max(steps, self.fewest)
        return min(enough, self.most) if self.most else enough


ANY = StepRange()


def preset_of(settings: Settings, steps: StepRange = ANY) -> str | None:
    """The preset whose values these settings have with a model."""
    return next((name for name in PRESETS if _has(settings, preset_values(name, steps))), None)


def preset_values(name: str | None, steps: StepRange = ANY) -> Values:
    """The values of a preset with a model; none for another name."""
    return limited(PRESETS.get(name or "", {}), steps)


def limited(values: Values, steps: StepRange) -> Values:
    """The values with a number of sampling steps that suits a model."""
    if "sampling_steps" not in values:
        return values
    return {**values, "sampling_steps": steps.nearest(int(values["sampling_steps"]))}


def suited(loss: str) -> Values:
    """The values of `SUITED_FIELDS` that a goal starts with where nothing else is set.

    Raises:
        UserError: there is no such goal.
    """
    plain = Settings(loss=GOALS[loss].name)
    return {name: getattr(plain, name) for name in SUITED_FIELDS}


def _has(settings: Settings, values: Values) -> bool:
    return all(getattr(settings, name) == value for name, value in values.items())
