"""The noise schedule of the embedded model: variance preserving, linear betas, 1000 training steps.

beta_t from 1e-4 to 2e-2, alphas_cumprod[t] = prod_{s <= t} (1 - beta_s)   (Ho et al. 2020, arXiv 2006.11239).

Its grid of N steps begins at time 999 i / N, i = N .. 1 ("linspace", at 64 pixels), or at i floor(1000 / (N + 1))
("leading", at 128 pixels): 500 and 333 are the last times of 2 steps. The noise at the last time draws the details that
z does not determine. The lower it is, the sharper they are; and at the first time, where z determines the image, 666 is
as good as 999.
"""

import copy
from pathlib import Path
from typing import Any, Literal

from diffusers import DPMSolverMultistepScheduler
from torch import Tensor


def make_scheduler(spacing: Literal["linspace", "leading"] = "linspace") -> DPMSolverMultistepScheduler:
    """The scheduler of the embedded model.

    The spacing is given explicitly, because diffusers uses another default for a configuration loaded from disk.
    """
    return DPMSolverMultistepScheduler(  # type: ignore[no-untyped-call]  # diffusers
        num_train_timesteps=1000,
        beta_start=1e-4,
        beta_end=2e-2,
        beta_schedule="linear",
        prediction_type="epsilon",
        algorithm_type="dpmsolver++",
        solver_order=1,
        timestep_spacing=spacing,
        final_sigmas_type="zero",
    )


def load_scheduler(folder: Path) -> DPMSolverMultistepScheduler:
    """The scheduler saved in `folder`/scheduler; makes no network request."""
    options: dict[str, Any] = {"subfolder": "scheduler", "local_files_only": True}
    scheduler: DPMSolverMultistepScheduler = DPMSolverMultistepScheduler.from_pretrained(folder, **options)  # type: ignore[no-untyped-call]
    return scheduler


def sampling_times(scheduler: DPMSolverMultistepScheduler, steps: int) -> Tensor:
    """The times of the scheduler's grid of so many steps, falling, without the end at 0; (steps,) int64."""
    own: Any = copy.deepcopy(scheduler)
    own.set_timesteps(steps)
    times: Tensor = own.timesteps.cpu()
    return times
