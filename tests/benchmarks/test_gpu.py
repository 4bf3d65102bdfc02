"""The cases with tiny denoisers; at full size they need a GPU."""

import math

import pytest
import torch

from benchmarks import gpu, tiny_pipelines

pytestmark = pytest.mark.filterwarnings("ignore")


def config(network):
    return {**network.config, "_class_name": type(network).__name__}


SMALL = {
    "sd-1.5": lambda: gpu.sd_15(config(tiny_pipelines.stable_diffusion().pipe.unet), 64, 2),
    "sdxl": lambda: gpu.sdxl(config(tiny_pipelines.stable_diffusion_xl().pipe.unet), 64, 2),
    "sd-3.5 medium": lambda: gpu.sd_35_medium(config(tiny_pipelines.stable_diffusion_3().pipe.transformer), 64, 2),
    "flux.2-klein": lambda: gpu.flux2_klein(config(tiny_pipelines.flux2_klein().pipe.transformer), 64, 2),
    "embedded": lambda: gpu.embedded_case(2),
}


@pytest.mark.parametrize("name", SMALL)
def test_every_case_is_measured(name, monkeypatch):
    monkeypatch.setattr(gpu, "REPEATS", 1)
    case = SMALL[name]()
    assert case.sampler.steps == 2
    found = gpu.measure(case)
    assert 0 < found.floor < math.inf
    assert found.ours > 0


def test_the_cases_are_those_of_the_page():
    assert [name.split(",")[0] for name in gpu.CASES] == [
        "embedded", "sd-1.5", "sdxl", "sd-3.5 medium", "flux.2-klein",
    ]  # fmt: skip


@pytest.mark.parametrize(("settings", "millions"), [(gpu._XL, 2567.5), (gpu._SD3, 2243.2), (gpu._KLEIN, 3875.5)])
def test_the_configurations_have_the_published_size(settings, millions):
    with torch.device("meta"):
        network = gpu.build_network(settings)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.1)


def test_without_a_gpu_it_ends_with_success(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr("sys.argv", ["gpu"])
    gpu.main()
    assert capsys.readouterr().out == "There is no GPU here, so nothing is measured.\n"
