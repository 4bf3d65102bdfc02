"""The cases with tiny denoisers; at full size they need a GPU."""

import functools
import math

import pytest
import torch

from benchmarks import gpu, tiny_pipelines
from studio.models.placement.configs import CONFIGS

pytestmark = pytest.mark.filterwarnings("ignore")


TINY = {
    "sd-1.5": (tiny_pipelines.stable_diffusion, {"prompt_embeds": (7, 32)}),
    "sdxl": (tiny_pipelines.stable_diffusion_xl, {"prompt_embeds": (7, 64), "pooled_prompt_embeds": (32,)}),
    "sd-3.5-medium": (tiny_pipelines.stable_diffusion_3, {"prompt_embeds": (7, 32), "pooled_prompt_embeds": (64,)}),
    "flux.2-klein": (tiny_pipelines.flux2_klein, {"prompt_embeds": (7, 32)}),
}


def small(name):
    """A case of the table with a tiny denoiser."""
    make, embeddings = TINY[name]
    pipe = make().pipe
    network = pipe.unet if hasattr(pipe, "unet") else pipe.transformer
    configs = {
        "denoiser": {**network.config, "_class_name": type(network).__name__},
        "pipeline": {**CONFIGS[name]["pipeline"], "embeddings": embeddings},
    }
    return gpu.pipeline_case(name, 2, configs, 64)


SMALL = {"embedded": lambda: gpu.embedded_case(2), **{name: functools.partial(small, name) for name in TINY}}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.slow
def test_every_case_is_measured(name, monkeypatch):
    monkeypatch.setattr(gpu, "REPEATS", 1)
    case = SMALL[name]()
    assert case.sampler.steps == 2
    found = gpu.measure(case)
    assert 0 < found.floor < math.inf
    assert found.ours > 0


def test_the_cases_are_those_of_the_page():
    assert [name.split(",")[0] for name in gpu.CASES] == [
        "embedded", "sd-1.5", "sdxl", "sd-3.5-medium", "flux.2-klein",
    ]  # fmt: skip


def test_without_a_gpu_it_ends_with_success(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr("sys.argv", ["gpu"])
    gpu.main()
    assert capsys.readouterr().out == "There is no GPU here, so nothing is measured.\n"
