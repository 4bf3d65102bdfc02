import dataclasses
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor

from adjointdeis import Sampler, sample
from benchmarks.tiny_pipelines import build, sana_sprint
from studio.models.catalogue.registry import ENTRIES
from studio.models.loading.pipelines.parts import arguments, pipeline_parts
from studio.models.loading.pipelines.trigflow import TRAINING_TIMES, TrigFlow, flow_scheduler
from studio.models.options import LoadOptions
from studio.models.placement.placement import Placement
from tests.studio.models.loading.pipelines.test_parts import text_encoder

ENTRY = dataclasses.replace(ENTRIES["sana-sprint"], size=32)


def test_the_velocity_is_that_of_the_rectified_flow_between_the_same_data_and_noise() -> None:
    y_0, w = torch.randn(2, 3, 1, 4, 4, dtype=torch.float64).unbind()
    d = 0.5
    states = []

    def network(t: Tensor, y: Tensor, _: Tensor | None) -> Tensor:
        states.append((t, y))
        t = t.reshape(-1, 1, 1, 1)
        return t.cos() * d * w - t.sin() * y_0

    s = torch.tensor([1.0, 0.6, 0.001], dtype=torch.float64)
    shaped = s.reshape(-1, 1, 1, 1)
    velocity = TrigFlow(network, d)(TRAINING_TIMES * s, (1 - shaped) * y_0 / d + shaped * w, None)
    torch.testing.assert_close(velocity, w - y_0 / d)
    (t, y), t_shaped = states[0], states[0][0].reshape(-1, 1, 1, 1)
    torch.testing.assert_close(s, t.sin() / (t.cos() + t.sin()))
    torch.testing.assert_close(y, t_shaped.cos() * y_0 + t_shaped.sin() * d * w)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_grid_is_the_pipelines_own(steps: int) -> None:
    scheduler = diffusers.SCMScheduler()
    scheduler.set_timesteps(steps, intermediate_timesteps=1.3 if steps == 2 else None)
    found = flow_scheduler(scheduler).sigmas[:-1].tolist()
    assert found[0] == 1.0
    assert len(found) == steps
    angles = torch.tensor(found).double()
    torch.testing.assert_close(torch.atan2(angles, 1 - angles).float(), scheduler.timesteps[:-1], rtol=1e-5, atol=0)


@pytest.mark.slow
def test_one_step_from_noise_is_the_pipelines_own_image() -> None:
    tiny = build(sana_sprint)
    pipe: Any = tiny.pipe
    text_encoder(pipe, tiny.call)
    w = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    call = arguments(pipe, ENTRY, LoadOptions())
    own = {"num_inference_steps": 1, "intermediate_timesteps": None}
    expected = {kind: pipe(**call, **own, latents=w, output_type=kind).images for kind in ("latent", "pt")}
    parts = pipeline_parts(pipe, ENTRY, LoadOptions(), Placement(torch.device("cpu")))
    scheduler = parts.scheduler()
    scheduler.set_timesteps(1)
    z = parts.encode(torch.zeros(1, 3, 32, 32))
    *_, found = sample(parts.network, Sampler.from_scheduler(scheduler), w, z)
    torch.testing.assert_close(found, expected["latent"], rtol=1e-4, atol=1e-4)
    assert parts.decode is not None
    torch.testing.assert_close(parts.decode(found).clamp(-1, 1) / 2 + 0.5, expected["pt"], rtol=1e-3, atol=1e-3)
