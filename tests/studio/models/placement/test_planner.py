import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.models.detect import recognise
from studio.models.placement import estimate
from studio.models.placement import planner as module
from studio.models.placement.configs import CONFIGS
from studio.models.placement.placement import Footprint, Placement, ladder
from studio.models.placement.planner import configs_of, estimates, plan
from studio.models.registry import ENTRIES

GPU, GB = torch.device("cuda"), 10**9


def test_a_cpu_holds_everything_plainly(tmp_path: Path) -> None:
    assert plan(ENTRIES["sd-1.5"], tmp_path, torch.device("cpu")) == Placement(torch.device("cpu"))


@pytest.mark.parametrize("name", CONFIGS)
def test_what_was_written_down_falls_from_rung_to_rung(name: str) -> None:
    found = list(estimates(name).values())
    assert len(found) == len(ladder(GPU))
    totals = [footprint.total() for footprint in found]
    # the two branches of guidance matter only where there is guidance, and tiles only where there is a decoder
    assert all(later <= earlier for earlier, later in itertools.pairwise(totals))
    assert totals[2] < totals[1] < totals[0]


def test_a_small_card_gets_a_more_frugal_placement(tmp_path: Path) -> None:
    entry = ENTRIES["sd-1.5"]
    placements = [plan(entry, tmp_path, GPU, free=gigabytes * GB) for gigabytes in (80, 8, 4, 1)]
    order = [ladder(GPU).index(placement) for placement in placements]
    assert order[0] == 0
    assert order == sorted(order)
    assert order[-1] == len(ladder(GPU)) - 1


def test_a_model_of_ones_own_is_measured_from_its_folder(
    tiny_copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def measure(kind: str, configs: dict[str, dict[str, object]], held: Placement, guided: bool) -> Footprint:
        seen.append((kind, configs["denoiser"]["_class_name"], configs["vae"]["_class_name"], guided))
        return Footprint(1, 1, 1, 1)

    monkeypatch.setattr(estimate, "footprint", measure)
    folder = tiny_copy("ldm-celebahq")
    assert plan(recognise(folder), folder, GPU, free=80 * GB) == Placement(GPU)
    assert set(seen) == {("latent", "UNet2DModel", "VQModel", False)}
    assert set(configs_of(folder)) == {"denoiser", "vae"}


def test_writing_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITTEN", tmp_path / "estimates.json")
    monkeypatch.setattr(estimate, "footprint", lambda *_, **__: Footprint(1, 2, 3, 4))
    module.write(["sd-1.5"])
    module.write(["ddpm-cat"])
    written = json.loads((tmp_path / "estimates.json").read_text())
    assert list(written) == ["ddpm-cat", "sd-1.5"]
    assert estimates("sd-1.5")["plain"] == Footprint(1, 2, 3, 4)
