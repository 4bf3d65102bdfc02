"""Settings and a model -> the sampler."""

from __future__ import annotations

from adjointdeis import Sampler
from studio.core.settings import Settings
from studio.models.interface import Model


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
