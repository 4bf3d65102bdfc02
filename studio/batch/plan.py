"""`Plan`: the jobs of a list, in batches that go through the sampler together.

Jobs are sorted by the settings that a batch has in common, and cut into batches of one size. The batches depend on the
list alone, not on what is done already or on the number of processes. Every picture therefore has the same batch
at each start, and the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import psutil
import torch

from studio.batch.jobs import Job
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.batch.steer import SHARED
from studio.runs.measures.memory import need
from studio.runs.sampling import sampler_for

LARGEST = {"cpu": 16, "cuda": 64}
"""Pictures in a batch at most, by device: larger ones are no faster."""
_SHARE = 0.4
"""Of the free memory, for the activations of a batch."""
_LOSSES = 2
"""The networks of the losses need about as much as the denoiser."""

Batch = tuple[Job, ...]


@dataclass(frozen=True)
class Plan:
    """The batches of a list of jobs, and the jobs that cannot run.

    Args:
        batches: in order.
        broken: jobs with an error.
    """

    batches: tuple[Batch, ...]
    broken: tuple[Job, ...]

    @classmethod
    def of(cls, jobs: Sequence[Job], size: int) -> Plan:
        """Batches of at most `size` jobs."""
        runnable = sorted((job for job in jobs if not job.error), key=lambda job: _key(job.settings))
        groups = (list(group) for _, group in groupby(runnable, key=lambda job: _key(job.settings)))
        batches = [tuple(part) for group in groups for part in _cut(group, 1 if alone(group[0].settings) else size)]
        return cls(tuple(batches), tuple(job for job in jobs if job.error))

    def shard(self, index: int, count: int) -> Plan:
        """Part `index`, 0 .. count - 1: every count-th batch. Part 0 has the broken jobs."""
        return Plan(self.batches[index::count], () if index else self.broken)

    def left(self, done: Collection[str]) -> Iterator[Batch]:
        """The batches of which a result is missing."""
        return (batch for batch in self.batches if any(job.name not in done for job in batch))


def _cut(group: Sequence[Job], size: int) -> Iterator[Sequence[Job]]:
    return (group[i : i + size] for i in range(0, len(group), size))


def alone(settings: Settings) -> bool:
    """Whether a picture runs by itself: a morph, and a run that may change only a part of the picture."""
    return settings.loss == "morph" or not settings.everywhere


def _key(settings: Settings) -> tuple[str, ...]:
    return (str(alone(settings)), *(str(getattr(settings, name)) for name in SHARED))


def batch_size(model: Model, jobs: Sequence[Job]) -> int:
    """As many pictures as the free memory allows, at most `LARGEST`."""
    runnable = {_key(job.settings): job.settings for job in jobs if not job.error}
    needed = need(model)
    largest = max((needed.extra(s, sampler_for(model, s).steps, model.graphs) for s in runnable.values()), default=1)
    fits = math.floor(_SHARE * _free(model.device) / (_LOSSES * largest))
    return max(1, min(fits, LARGEST.get(model.device.type, LARGEST["cpu"])))


def _free(device: torch.device) -> int:
    """Bytes."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else int(psutil.virtual_memory().available)
