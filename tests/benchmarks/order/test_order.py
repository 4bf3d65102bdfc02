"""The slopes that docs/orders.md shows, measured again on fewer steps, and the page itself."""

import pytest

pytest.importorskip("torchdiffeq")

from benchmarks.order import DOCS, METHODS, SAMPLERS, Curve, as_table, of_methods, of_samplers, plot
from benchmarks.worlds import mixture, problem

GIVEN = problem(mixture(), batch=2)
FEW = (20, 40, 80)
SDES = [name for name, (arguments, _) in SAMPLERS.items() if arguments.get("sde")]
# orders that need more steps than a test may take to show
LATE = {"Reversible, coupling 0.97", "AdjointDEIS-2M over DDIM"}


def test_a_power_law_has_its_power_as_slope():
    assert Curve("", (1, 10, 20, 40), (9.0, 4e-2, 1e-2, 2.5e-3), 2).slope == pytest.approx(2)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in SDES])
def test_images_converge_at_the_order_that_is_stated(name):
    (curve,) = of_samplers(GIVEN, [name], (40, 80, 160))
    assert curve.slope == pytest.approx(curve.order, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", SDES)
def test_an_sdes_paths_converge_at_order_one(name):
    (curve,) = of_samplers(GIVEN, [name], (40, 80, 160))
    assert curve.slope == pytest.approx(1, abs=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in METHODS if name not in LATE])
def test_gradients_converge_at_the_order_that_is_stated(name):
    ((_, z),) = of_methods(GIVEN, [name], (80, 160, 320))
    assert z.slope == pytest.approx(z.order, abs=0.15)


def test_the_page_shows_every_sampler_and_every_method():
    page = (DOCS / "orders.md").read_text(encoding="utf-8")
    for name in [*SAMPLERS, *METHODS]:
        assert page.count(f"| {name} |") == 1, f"{name}: run python -m benchmarks.order"
    assert (DOCS / "orders.svg").stat().st_size < 300_000


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
