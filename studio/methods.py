"""Settings -> the parts of `adjointdeis` they name, and how often they call the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Sampler, Unrolled
from adjointdeis.gradient import GradientMethod
from studio.model import Model
from studio.settings import GradientName, Mode, Settings

_GRADIENTS: Mapping[GradientName, Callable[[], GradientMethod]] = {
    "discrete": DiscreteAdjoint,
    "adjoint_1": lambda: ContinuousAdjoint(order=1),
    "adjoint_2": lambda: ContinuousAdjoint(order=2),
    "unrolled": Unrolled,
}

# network calls to invert one step, at most: an ODE step is solved by fixed-point iteration
CALLS_TO_ENCODE: Mapping[Mode, int] = {"sde": 1, "ode": 10}
# network calls of one update, for every sampling step: forwards, and again where the way back needs it
CALLS_TO_UPDATE: Mapping[GradientName, int] = {"discrete": 2, "adjoint_1": 2, "adjoint_2": 2, "unrolled": 1}


def sampler_for(model: Model, settings: Settings) -> Sampler:
    """The sampler on the model's own grid; the SDE in the data family, which stays clean at few steps.

    An SDE ends at the smallest noise of training instead of none: its last step needs a noise to be solved for.
    """
    scheduler = model.scheduler()
    scheduler.set_timesteps(settings.sampling_steps)
    sde = settings.mode == "sde"
    return Sampler.from_scheduler(
        scheduler,
        sde=sde,
        order=settings.order,
        family="data",
        noise_level=settings.noise_level,
        final="sigma_min" if sde else "scheduler",
    )


def gradient_method(settings: Settings) -> GradientMethod:
    """How to differentiate through the sampler."""
    return _GRADIENTS[settings.gradient]()


def learning_rates(settings: Settings) -> dict[str, float]:
    """Rate by variable, for the variables that are optimised: x_T or noises, and z."""
    noise = "noises" if settings.mode == "sde" else "x_T"
    rates = {noise: settings.noise_rate, "z": settings.z_rate}
    if settings.variables == "z":
        del rates[noise]
    if settings.variables == "noise":
        del rates["z"]
    return rates
