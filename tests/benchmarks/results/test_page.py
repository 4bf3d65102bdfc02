import pytest

from benchmarks.guidance.methods import OURS as EDITING
from benchmarks.morphing.plan import DIM, ODE, OURS, every_method
from benchmarks.records import Records, provenance
from benchmarks.results import page
from tests.benchmarks.rows import edit_row, morph_row

pytest.importorskip("matplotlib")


@pytest.mark.slow
def test_the_page_has_tables_figures_and_the_commands(tmp_path):
    made = {"made_by": provenance(1), "weights": "these"}
    morphs = [morph_row(k, transformer=-0.1, method=name, **made) for k in range(3) for name in (ODE, DIM, OURS)]
    morphs += [morph_row(9, **{**made, "weights": "old"})]
    Records(tmp_path / "morphs").add(morphs)
    Records(tmp_path / "edits").add([edit_row(EDITING, 1.0, True) | made | {"weights": "edits'"}])
    quick = [morph_row(k, method="Quick, as on the page", **{**made, "weights": "at 128"}) for k in range(2)]
    Records(tmp_path / "objective").add(quick)
    page.write(tmp_path / "morphs", tmp_path / "objective", tmp_path / "edits", tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert f"| {ODE} | 3 | 100 (100 to 100)" in text
    assert "## Orderings of methods" in text
    assert "Of 2 orderings 0 hold" in text
    assert "the published method has 3 pairs so far" in text
    assert EDITING.name in text
    assert "1 rows with other weights" in text
    assert "| Quick, as on the page | 2 |" in text
    assert "weights these (morphs), at 128 (morphs at 128 pixels), edits' (edits)" in text
    assert made["made_by"]["command"] in text
    assert f"| {OURS} | 560 | 25% |" in text
    for name in ("methods", "success-against-calls"):
        for theme in ("light", "dark"):
            assert f"results/{name}-{theme}.svg" in text
            assert all((tmp_path / "results" / f"{name}-{theme}.{kind}").stat().st_size for kind in ("svg", "png"))


def test_every_experiment_has_a_heading():
    assert set(page._ABOUT) == set(page.EXPERIMENTS)
    assert every_method()
