"""The example of the README and of docs/library.md runs as printed, on a tiny pipeline in place of the one it names."""

import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from tests.adjointdeis.pipelines.written import stable_diffusion

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("page", "section"),
    [("README.md", "Guide any pipeline of diffusers"), ("docs/library.md", "Any pipeline of diffusers")],
)
@pytest.mark.slow
def test_the_example_of_a_pipeline_runs_as_printed(page, section, tmp_path, monkeypatch):
    text = (ROOT / page).read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    lines = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) == 5
    stable_diffusion(tmp_path / "files").save_pretrained(tmp_path / "stabilityai" / "sd-turbo")
    monkeypatch.chdir(tmp_path)
    shown: list[Image.Image] = []
    monkeypatch.setattr(Image.Image, "show", lambda picture: shown.append(picture))
    losses = []
    for text in (code.replace("steps=5", "steps=0"), code):
        names: dict[str, object] = {}
        torch.manual_seed(0)
        exec(compile(text, "example", "exec"), names)
        losses.append(float(names["frame"].loss))
    assert shown[0].size == (16, 16)
    assert losses[1] < losses[0]
