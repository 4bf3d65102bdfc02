import pytest

pytest.importorskip("torchdiffeq")

from benchmarks.gaussian_mixture import mixture, problem
from benchmarks.order.curves import of_methods, of_samplers
from benchmarks.order.methods import METHODS, SAMPLERS
from benchmarks.order.page import as_table, plot
from benchmarks.page_options import DOCS

GIVEN = problem(mixture(), batch=2)
FEW = (20, 40, 80)


def test_the_page_shows_every_sampler_and_every_method():
    page = (DOCS / "orders.md").read_text(encoding="utf-8")
    for name in [*SAMPLERS, *METHODS]:
        assert page.count(f"| {name} |") == 1, f"{name}: run python -m benchmarks.order"
    assert (DOCS / "orders.svg").stat().st_size < 300_000


@pytest.mark.slow
def test_table_and_plot_are_made_of_measured_curves(tmp_path):
    images = list(of_samplers(GIVEN, ["DDIM = DPM-Solver-1"], FEW))
    gradients = list(of_methods(GIVEN, ["DiscreteAdjoint, DDIM"], FEW))
    page = as_table(images, gradients)
    assert f"| DDIM = DPM-Solver-1 | {images[0].errors[0]:.1e} | {images[0].errors[-1]:.1e} | " in page
    assert f"| DiscreteAdjoint, DDIM | {gradients[0][0].errors[0]:.1e} |" in page
    pytest.importorskip("matplotlib")
    for again in range(2):
        plot({"images": images, "z": [gradients[0][1]]}, tmp_path / f"{again}.svg")
    first, second = (path.read_text() for path in sorted(tmp_path.iterdir()))
    assert first == second
    assert "DiscreteAdjoint, DDIM" in first
