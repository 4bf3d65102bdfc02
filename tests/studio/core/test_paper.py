from pathlib import Path

import pytest

from benchmarks.morphing.plan import EXPERIMENTS
from studio.core.goals import Tab
from studio.core.gradients import GRADIENTS
from studio.core.paper import PAPER, PaperRun, paper_runs
from studio.core.settings import parse

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("table-1-ode", "AdjointDEIS-1, ODE"),
        ("table-1-sde", "AdjointDEIS-1, SDE"),
        ("table-6-rate-1", "AdjointDEIS-1, rate 1"),
        ("table-6-rate-0.01", "AdjointDEIS-1, rate .01"),
        ("f3-ode", "AdjointDEIS-1, ODE, N = 50"),
        ("f3-sde", "AdjointDEIS-1, SDE, N = 50"),
    ],
)
def test_a_morph_of_the_paper_has_the_settings_of_the_benchmark(name: str, method: str) -> None:
    settings = parse({**PAPER[name].values, "loss": "morph"})
    there = next(one for methods in EXPERIMENTS.values() for one in methods if one.name == method)
    found = (settings.gradient, settings.sampling_steps, settings.optimisation_steps, settings.optimiser, settings.mode)
    assert found == (there.gradient, there.steps, there.updates, there.optimizer, "sde" if there.sde else "ode")
    assert {settings.z_rate, settings.noise_rate} == set(there.rates.values())
    assert settings.closeness == 0


@pytest.mark.parametrize("run", PAPER.values(), ids=lambda run: run.name)
def test_every_run_is_valid_names_methods_that_exist_and_is_in_the_documentation(run: PaperRun) -> None:
    parse({**run.values, "prompt": "a hat", "loss": {"morph": "morph", "compare": "clip_text"}.get(run.tab, "edit")})
    assert set(run.methods) <= set(GRADIENTS)
    assert bool(run.methods) == (run.tab == "compare")
    assert len(run.shows.split()) <= 20
    row = f"| {run.tab.title()} | {run.label} | `{run.name}` |"
    assert row in (DOCS / "page.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("tab", ["steer", "morph", "compare"])
def test_every_tab_has_runs_of_the_paper(tab: Tab) -> None:
    assert paper_runs(tab)
