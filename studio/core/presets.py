"""Presets: named bundles of settings, as data. What a preset does not name stays as the person set it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studio.core.goals import GOALS, SUITED_FIELDS, Values
from studio.core.settings import Settings

PRESETS: Mapping[str, Values] = MappingProxyType(
    {
        "Quick": {"mode": "sde", "order": 1, "sampling_steps": 4, "noise_level": 1.0, "optimisation_steps": 20},
        # Less than a fifth of the 2,250 network calls of the paper's face morphs; docs/results.md compares the two.
        "Balanced": {"mode": "sde", "order": 1, "sampling_steps": 8, "noise_level": 1.0, "optimisation_steps": 24},
        # The budget of the paper's own face morphs (appendix H.2): 20 steps from full noise, 50 updates.
        "Paper": {"mode": "ode", "order": 1, "sampling_steps": 20, "noise_level": 1.0, "optimisation_steps": 50},
    }
)

DEFAULT = "Quick"

PRESET_FIELDS = tuple(PRESETS[DEFAULT])


def preset_of(settings: Settings, steps: int = 0) -> str | None:
    """The preset whose values these settings have; `steps` as for `preset_values`."""
    return next((name for name in PRESETS if _has(settings, preset_values(name, steps))), None)


def preset_values(name: str | None, steps: int = 0) -> Values:
    """The values of a preset; none for another name.

    Args:
        name: of the preset.
        steps: to which the model was distilled, the largest number of sampling steps; 0 for any.
    """
    return limited(PRESETS.get(name or "", {}), steps)


def limited(values: Values, steps: int) -> Values:
    """The values with at most so many sampling steps; `steps` as for `preset_values`."""
    if not steps or "sampling_steps" not in values:
        return values
    return {**values, "sampling_steps": min(int(values["sampling_steps"]), steps)}


def suited(loss: str) -> Values:
    """The values of `SUITED_FIELDS` that a goal starts with where nothing else is set.

    Raises:
        UserError: there is no such goal.
    """
    plain = Settings(loss=GOALS[loss].name)
    return {name: getattr(plain, name) for name in SUITED_FIELDS}


def _has(settings: Settings, values: Values) -> bool:
    return all(getattr(settings, name) == value for name, value in values.items())
