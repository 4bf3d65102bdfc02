"""Presets: named bundles of settings, as data. What a preset does not name stays as the person set it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from studio.core.settings import LossName, Settings

Values = Mapping[str, float | str]

PRESETS: Mapping[str, Values] = MappingProxyType(
    {
        "Quick": {"mode": "sde", "order": 1, "sampling_steps": 8, "noise_level": 1.0, "optimisation_steps": 20},
        # Less than a fifth of the 2,250 network calls of the paper's face morphs; docs/results.md compares the two.
        "Balanced": {"mode": "sde", "order": 1, "sampling_steps": 8, "noise_level": 1.0, "optimisation_steps": 24},
        # The budget of the paper's own face morphs (appendix H.2): 20 steps from full noise, 50 updates.
        "Paper": {"mode": "ode", "order": 1, "sampling_steps": 20, "noise_level": 1.0, "optimisation_steps": 50},
    }
)

DEFAULT = "Quick"

# The plain values suit texts. Another person is far away in z, and cannot be near to the first in pixels. A morph
# starts half-way to its goal: the steps in z that suit a text would jump past it. Measured on held-out people by
# `python -m benchmarks.steering`, as the share that networks which no loss has seen confirm.
_SUITED: Mapping[LossName, Values] = MappingProxyType(
    {"identity": {"z_rate": 0.4, "closeness": 0.2}, "morph": {"z_rate": 0.08}}
)
SUITED_FIELDS = ("z_rate", "closeness")
PRESET_FIELDS = tuple(PRESETS[DEFAULT])


def preset_of(settings: Settings) -> str | None:
    """The preset whose values these settings have."""
    return next((name for name, values in PRESETS.items() if _has(settings, values)), None)


def suited(loss: LossName) -> Values:
    """What a goal is started with where a person has said nothing else: the values of `SUITED_FIELDS`."""
    plain = Settings()
    return {name: getattr(plain, name) for name in SUITED_FIELDS} | dict(_SUITED.get(loss, {}))


def _has(settings: Settings, values: Values) -> bool:
    return all(getattr(settings, name) == value for name, value in values.items())
