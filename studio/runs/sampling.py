"""Settings and a model -> the sampler."""

from __future__ import annotations

from adjointdeis import Sampler
from studio.core.settings import Settings
from studio.models.interface import Model


def sampler_for(model: Model, settings: Settings) -> Sampler:
    """The sampler on the model's own grid, in the data family: an SDE of few steps leaves no noise in its images there.

    An SDE ends at the smallest noise level of training instead of 0, because encoding solves its last step for a noise.
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
