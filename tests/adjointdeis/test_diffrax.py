"""Against another library in another language of arrays: diffrax on JAX, with its recursive checkpointing."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
diffrax = pytest.importorskip("diffrax")

from adjointdeis import DiscreteAdjoint, LinearVP, Sampler  # noqa: E402 - after the skips
from tests.truth import mixture, normal  # noqa: E402

pytestmark = pytest.mark.slow  # JAX compiles for tens of seconds

WORLD, GRID = mixture(), LinearVP().uniform_log_snr(25)
X, Z, TARGET = normal(2, 2, 2, 3), normal(2, 4, seed=1), normal(2, 2, 2, 3, seed=2)


@pytest.fixture(scope="module", autouse=True)
def double():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def by_diffrax(solver, controller, dt0=None):
    """The mixture's noise prediction written again in JAX, as dy/drho = eps; the gradient of x_T and z."""
    jnp = jax.numpy
    weights, target = jnp.asarray(WORLD.weights.numpy()), jnp.asarray(TARGET.numpy()).reshape(2, -1)

    def eps(rho, y, z):
        alpha = 1 / jnp.sqrt(1 + rho**2)
        variance = alpha**2 * (WORLD.std**2 + rho**2)
        offsets = alpha * (y - jnp.einsum("bd,kdx->kbx", z, weights))
        share = jax.nn.softmax(-(offsets**2).sum(-1) / (2 * variance), axis=0)
        return alpha * rho / variance * (share[..., None] * offsets).sum(0)

    def loss(x, z):
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(eps),
            solver,
            GRID.rho[0],
            GRID.rho[-1],
            dt0,
            x / GRID.alpha[0],
            z,
            stepsize_controller=controller,
            adjoint=diffrax.RecursiveCheckpointAdjoint(),
            max_steps=10_000,
        )
        return 0.5 * ((GRID.alpha[-1] * found.ys[0] - target) ** 2).sum()

    return jax.jit(jax.grad(loss, (0, 1)))(jnp.asarray(X.numpy()).reshape(2, -1), jnp.asarray(Z.numpy()))


def loss_fn(image):
    return 0.5 * (image - TARGET).square().flatten(1).sum(1)


def assert_equal(grads, theirs, tolerance):
    for name, found in zip(("x_T", "z"), theirs, strict=True):
        ours = grads[name].flatten(1).numpy()
        assert np.linalg.norm(found - ours) < tolerance * np.linalg.norm(ours), name


def test_the_transposed_table_is_diffraxs_gradient_of_the_same_steps():
    theirs = by_diffrax(diffrax.Euler(), diffrax.StepTo(ts=GRID.rho))
    for checkpoints in (None, 3):
        ours = DiscreteAdjoint(checkpoints).value_and_grad(WORLD, Sampler.from_grid(GRID), X, Z, loss_fn)
        assert_equal(ours.grads, theirs, 1e-10)


def test_many_steps_of_the_second_order_table_come_to_diffraxs_adaptive_gradient():
    controller = diffrax.PIDController(rtol=1e-10, atol=1e-10)
    theirs = by_diffrax(diffrax.Tsit5(), controller, dt0=-1.0)
    fine = Sampler.from_grid(LinearVP().uniform_log_snr(1000), order=2, family="data")
    coarse = Sampler.from_grid(LinearVP().uniform_log_snr(500), order=2, family="data")
    fine, coarse = (DiscreteAdjoint().value_and_grad(WORLD, s, X, Z, loss_fn).grads for s in (fine, coarse))
    # their difference falls as N^-2: a third of it is left in the finer one, and is taken out
    ours = {name: fine[name] + (fine[name] - coarse[name]) / 3 for name in fine}
    assert_equal(ours, theirs, 1e-6)


def test_an_off_the_shelf_solver_is_diffraxs_of_the_same_name():
    pytest.importorskip("torchdiffeq")
    from adjointdeis.gradients.off_the_shelf import OffTheShelf

    theirs = by_diffrax(diffrax.Midpoint(), diffrax.StepTo(ts=GRID.rho))
    method = OffTheShelf("midpoint", time=LinearVP().time)
    assert_equal(method.value_and_grad(WORLD, Sampler.from_grid(GRID), X, Z, loss_fn).grads, theirs, 1e-9)


def test_an_adaptive_solver_comes_to_diffraxs_adaptive_gradient():
    pytest.importorskip("torchdiffeq")
    from adjointdeis.gradients.off_the_shelf import OffTheShelf

    theirs = by_diffrax(diffrax.Dopri5(), diffrax.PIDController(rtol=1e-11, atol=1e-11), dt0=-1.0)
    method = OffTheShelf("dopri5", rtol=1e-11, atol=1e-11, time=LinearVP().time)
    assert_equal(method.value_and_grad(WORLD, Sampler.from_grid(GRID), X, Z, loss_fn).grads, theirs, 1e-6)
