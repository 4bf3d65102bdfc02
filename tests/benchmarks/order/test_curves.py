"""The slopes in docs/orders.md, measured again on fewer steps."""

import pytest

pytest.importorskip("torchdiffeq")

from benchmarks.gaussian_mixture import mixture, problem
from benchmarks.order.curves import Curve, of_methods, of_samplers
from benchmarks.order.methods import METHODS, SAMPLERS

GIVEN = problem(mixture(), batch=2)
SDES = [name for name, (arguments, _) in SAMPLERS.items() if arguments.get("sde")]
ODES = [name for name in SAMPLERS if name not in SDES]
# the others need more steps than a test can take
EARLY = [name for name in METHODS if name not in {"Reversible, coupling 0.97", "AdjointDEIS-2M over DDIM"}]


def test_a_power_law_has_its_power_as_slope():
    assert Curve("", (1, 10, 20, 40), (9.0, 4e-2, 1e-2, 2.5e-3), 2).slope == pytest.approx(2)


@pytest.fixture(scope="module")
def images():
    """The curves of the images by name; the exact image is the same for all of them."""
    return {curve.name: curve for curve in of_samplers(GIVEN, ODES, (40, 80, 160))}


@pytest.mark.parametrize("name", ODES)
def test_images_converge_at_the_stated_order(images, name):
    assert images[name].slope == pytest.approx(images[name].order, abs=0.15)


@pytest.fixture(scope="module")
def gradients():
    """The curves of dL/dz by name."""
    return {z.name: z for _, z in of_methods(GIVEN, EARLY, (80, 160, 320))}


@pytest.mark.slow
@pytest.mark.parametrize("name", SDES)
def test_an_sdes_paths_converge_at_order_one(name):
    (curve,) = of_samplers(GIVEN, [name], (40, 80, 160))
    assert curve.slope == pytest.approx(1, abs=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("name", EARLY)
def test_gradients_converge_at_the_stated_order(gradients, name):
    assert gradients[name].slope == pytest.approx(gradients[name].order, abs=0.15)
