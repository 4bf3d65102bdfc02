"""Tables of pipelines that start later, against the scheduler's own loop."""

import pytest
import torch

from adjointdeis import sample
from adjointdeis.pipelines.table import table
from benchmarks.schedulers import net, start
from tests.adjointdeis.test_probe import CASES, drawn, laid_out, own_loop

BEGIN = 2
KNOWN = {"DPMSolverMultistepScheduler": {}, "UniPCMultistepScheduler": {}}
LATER = {name: config for name, config in {**CASES, **KNOWN}.items() if name != "SCMScheduler"}


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("name", LATER)
def test_a_pipeline_that_starts_later_has_the_rest_of_the_schedulers_own_loop(name, begun):
    scheduler = laid_out(name, 6, **LATER[name])
    if begun and hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(BEGIN)
    noises = drawn(6 - BEGIN)
    found = table(scheduler, scheduler.timesteps[BEGIN:], {}, sde=False)
    *_, ours = sample(net, found.sampler, start(), None, torch.stack(noises) if found.sampler.sde else None)
    theirs = own_loop(scheduler, start() / found.first, noises, begin=BEGIN)
    assert torch.allclose(ours, theirs * found.last, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
