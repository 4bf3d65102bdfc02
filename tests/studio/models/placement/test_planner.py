import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.models.catalogue.detect import detect_entry
from studio.models.catalogue.registry import ENTRIES
from studio.models.placement import estimate
from studio.models.placement import planner as module
from studio.models.placement.configs import CONFIGS
from studio.models.placement.placement import Footprint, Placement, placements
from studio.models.placement.planner import configs_of, estimates, plan

GPU, GB = torch.device("cuda"), 10**9


def test_a_cpu_gets_the_plain_placement(tmp_path: Path) -> None:
    assert plan(ENTRIES["sd-1.5"], tmp_path, torch.device("cpu")) == Placement(torch.device("cpu"))


@pytest.mark.parametrize("name", [name for name in CONFIGS if estimates(name)])
def test_stored_estimates_decrease_from_placement_to_placement(name: str) -> None:
    found = list(estimates(name).values())
    assert len(found) == len(placements(GPU))
    totals = [footprint.total() for footprint in found]
    # two calls save memory only with guidance, and tiles only with a decoder
    assert all(later <= earlier for earlier, later in itertools.pairwise(totals))
    assert totals[2] < totals[1] < totals[0]


def test_a_small_gpu_gets_a_placement_with_less_memory(tmp_path: Path) -> None:
    entry = ENTRIES["sd-1.5"]
    chosen = [plan(entry, tmp_path, GPU, free=gigabytes * GB) for gigabytes in (80, 8, 4, 1)]
    order = [placements(GPU).index(placement) for placement in chosen]
    assert str(chosen[0]) == "cuda, half precision"
    assert order == sorted(order)
    assert order[-1] == len(placements(GPU)) - 1


def test_a_model_that_is_not_compared_with_a_pipeline_is_in_full_precision_where_it_fits(tmp_path: Path) -> None:
    for name in ("ddpm-celebahq", "ldm-celebahq"):
        assert plan(ENTRIES[name], tmp_path, GPU, free=80 * GB) == Placement(GPU)


def test_a_model_outside_the_registry_is_estimated_from_its_folder(
    tiny_copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Measured:
        def __init__(self, kind: str, configs: dict[str, dict[str, object]], guided: bool, *_: object) -> None:
            seen.append((kind, configs["denoiser"]["_class_name"], configs["vae"]["_class_name"], guided))

        def footprint(self, _: Placement) -> Footprint:
            return Footprint(1, 1, 1, 1)

    monkeypatch.setattr(estimate, "Estimate", Measured)
    folder = tiny_copy("ldm-celebahq")
    assert plan(detect_entry(folder), folder, GPU, free=80 * GB) == Placement(GPU)
    assert set(seen) == {("latent", "UNet2DModel", "VQModel", False)}
    assert set(configs_of(folder)) == {"denoiser", "vae"}


def test_the_embeddings_of_a_folder_are_those_of_the_registered_pipeline_that_is_most_alike(
    tiny_copy: Callable[[str], Path],
) -> None:
    pytest.importorskip("transformers")
    assert configs_of(tiny_copy("sana-600m"))["pipeline"] == CONFIGS["sana-600m"]["pipeline"]
    assert "pipeline" not in configs_of(tiny_copy("ldm-celebahq"))


def test_a_pipeline_whose_memory_cannot_be_estimated_is_placed_with_little(tiny_copy: Callable[[str], Path]) -> None:
    pytest.importorskip("transformers")
    folder = tiny_copy("a modular pipeline")
    assert plan(detect_entry(folder), folder, GPU, free=80 * GB) == Placement(GPU, half=True, checkpointing=True)


def test_writing_keeps_other_estimates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ESTIMATES", tmp_path / "estimates.json")
    monkeypatch.setattr(estimate.Estimate, "footprint", lambda *_: Footprint(1, 2, 3, 4))
    module.write(["sd-1.5"])
    module.write(["ddpm-cat"])
    written = json.loads((tmp_path / "estimates.json").read_text())
    assert list(written) == ["ddpm-cat", "sd-1.5"]
    assert estimates("sd-1.5")["plain"] == Footprint(1, 2, 3, 4)
