"""A component for each setting: a tab lists the names of the settings it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import gradio as gr

from studio.core.gradients import GRADIENTS
from studio.core.settings import title
from studio.ui.fields import DEFAULTS, choice, slider

Control = gr.Slider | gr.Dropdown | gr.Number

_CHOICES: Mapping[str, Mapping[str, str]] = {
    "closeness_kind": {
        "pixels": "Pixels: mean squared error",
        "structure": "Structure: 1 - SSIM (stronger at the same weight)",
        "features": "Features: CLIP image encoder",
    },
    "mode": {"sde": "SDE: lossless inversion (Cycle-SDE)", "ode": "ODE: DDIM"},
    "variables": {"both": "Noise and z", "z": "z only", "noise": "Noise only"},
    "optimiser": {"normalised": "Normalised gradient", "adam": "Adam", "sgd": "Gradient descent"},
}
_STEPS: Mapping[str, float] = {
    "optimisation_steps": 1,
    "sampling_steps": 1,
    "closeness": 0.1,
    "noise_level": 0.05,
    "z_rate": 0.001,
    "noise_rate": 0.0001,
}


def controls(names: Sequence[str], prefix: str, **values: float | str) -> dict[str, Control]:
    """One component for every setting named, at its default or at the value given; ids start with `prefix`."""
    made = {name: _control(name, prefix) for name in names}
    for name, value in values.items():
        made[name].value = value
    return made


def _control(name: str, prefix: str) -> Control:
    if name == "gradient":
        return choice(name, {gradient.name: gradient.line for gradient in GRADIENTS.values()}, prefix)
    if name in _CHOICES:
        return choice(name, _CHOICES[name], prefix)
    if name == "order":
        orders = [("1", 1), ("2 (multistep, SDE only)", 2)]
        return gr.Dropdown(orders, value=DEFAULTS.order, label=title(name), elem_id=prefix + name)
    if name in _STEPS:
        return slider(name, _STEPS[name], prefix)
    return gr.Number(value=getattr(DEFAULTS, name), precision=0, label=title(name), elem_id=prefix + name)
