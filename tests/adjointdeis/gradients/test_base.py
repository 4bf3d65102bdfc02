import inspect

import pytest
import torch

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, LinearVP, Sampler, Unrolled
from adjointdeis.gradients.base import GradientMethod, NotFinite
from tests.truth import Tangle, normal, relative_error, squared_distance

GRID = LinearVP().uniform_log_snr(6)
ODE, SDE = Sampler.from_grid(GRID), Sampler.from_grid(GRID, sde=True)
METHODS = {"unrolled": Unrolled(), "discrete": DiscreteAdjoint(), "AdjointDEIS-1": ContinuousAdjoint(1)}

pytestmark = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def arguments(shape=(2, 3, 2, 2), features=4):
    return normal(*shape), normal(shape[0], features, seed=1), squared_distance(normal(*shape, seed=2))


def test_signature_and_docstring_are_those_of_the_contract(method):
    contract = inspect.signature(GradientMethod.value_and_grad).parameters
    assert list(inspect.signature(method.value_and_grad).parameters.values()) == list(contract.values())[1:]
    assert inspect.getdoc(method.value_and_grad) == inspect.getdoc(GradientMethod.value_and_grad)
    assert isinstance(method, GradientMethod)


def test_loss_and_image_are_those_of_the_plain_sample(method):
    x, z, loss_fn = arguments()
    result = method.value_and_grad(Tangle(3, 4), ODE, x, z, loss_fn)
    reference = Unrolled().value_and_grad(Tangle(3, 4), ODE, x, z, loss_fn)
    assert torch.equal(result.image, reference.image)
    assert torch.equal(result.loss, reference.loss)
    assert not result.image.requires_grad
    assert set(result.grads) == {"x_T", "z"}


def test_the_gradient_is_taken_whatever_mode_the_caller_is_in(method):
    x, z, loss_fn = arguments()
    plain = method.value_and_grad(Tangle(3, 4), ODE, x, z, loss_fn)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            quiet = method.value_and_grad(Tangle(3, 4), ODE, normal(2, 3, 2, 2), normal(2, 4, seed=1), loss_fn)
        assert torch.equal(quiet.grads["z"], plain.grads["z"])
        assert torch.equal(quiet.grads["x_T"], plain.grads["x_T"])


def test_the_callers_tensors_and_parameters_are_left_alone(method):
    x, z, loss_fn = arguments()
    model = Tangle(3, 4)
    method.value_and_grad(model, ODE, x, z, loss_fn, wrt=("x_T", "z", "theta"))
    assert not x.requires_grad
    assert not z.requires_grad
    assert all(p.grad is None for p in model.parameters())


def test_a_missing_conditioning_is_passed_over(method):
    x, _, loss_fn = arguments()
    result = method.value_and_grad(Tangle(3), ODE, x, None, loss_fn)
    assert set(result.grads) == {"x_T"}


@pytest.mark.parametrize("z_shape", [(2, 4), (2, 2, 2), (2, 1, 2, 2)])
def test_conditioning_may_have_any_shape(method, z_shape):
    x, _, loss_fn = arguments()
    result = method.value_and_grad(Tangle(3, 4), ODE, x, normal(*z_shape), loss_fn)
    assert result.grads["z"].shape == z_shape


@pytest.mark.parametrize("shape", [(1, 1, 5, 3), (3, 4, 2, 6), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_any_batch_size_image_size_and_dtype(method, shape, dtype):
    x, z = normal(*shape, dtype=dtype), normal(shape[0], 4, dtype=dtype)
    result = method.value_and_grad(Tangle(shape[1], 4), SDE, x, z, squared_distance(x), wrt=("x_T", "z", "noises"))
    assert result.grads["x_T"].shape == x.shape
    assert result.grads["noises"].shape == (6, *shape)
    assert {g.dtype for g in result.grads.values()} == {dtype}


def test_noises_in_float64_have_their_gradient_in_float64_beside_a_state_in_float32(method):
    x, z, w = normal(2, 3, 2, 2, dtype=torch.float32), normal(2, 4, dtype=torch.float32), normal(6, 2, 3, 2, 2)
    wide, narrow = (
        method.value_and_grad(Tangle(3, 4), SDE, x, z, squared_distance(x), noises, wrt=("x_T", "z", "noises")).grads
        for noises in (w, w.float())
    )
    assert [wide[name].dtype for name in ("x_T", "z", "noises")] == [torch.float32, torch.float32, torch.float64]
    for name, grad in narrow.items():
        assert relative_error(wide[name], grad) < 1e-5, name


def test_every_image_of_a_batch_gets_its_own_gradient(method):
    x, z = normal(3, 2, 4, 4), normal(3, 4, seed=1)
    target = normal(3, 2, 4, 4, seed=2)
    together = method.value_and_grad(Tangle(2, 4), ODE, x, z, squared_distance(target))
    alone = method.value_and_grad(Tangle(2, 4), ODE, x[1:2], z[1:2], squared_distance(target[1:2]))
    for name in ("x_T", "z"):
        assert relative_error(together.grads[name][1:2], alone.grads[name]) < 1e-12


def test_a_single_loss_value_is_that_of_a_batch_of_one(method):
    x, z, loss_fn = arguments()
    with pytest.raises(ValueError, match=rf"one value an image, shape \({len(x)},\); got shape \(\)"):
        method.value_and_grad(Tangle(3, 4), ODE, x, z, lambda image: loss_fn(image).sum())
    x, z, loss_fn = x[:1], z[:1], lambda image: arguments()[2](image.expand(len(x), *image.shape[1:]))[:1]
    summed = method.value_and_grad(Tangle(3, 4), ODE, x, z, lambda image: loss_fn(image)[0])
    each = method.value_and_grad(Tangle(3, 4), ODE, x, z, loss_fn)
    assert summed.loss.shape == ()
    assert relative_error(summed.grads["z"], each.grads["z"]) < 1e-14


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_a_tiny_cotangent_survives_a_network_in_half_precision(method, half):
    """A mean over an image has a gradient below the smallest float16; unscaled, it would be flushed to zero."""

    if isinstance(method, Unrolled):
        pytest.skip("plain automatic differentiation has no cotangent to scale")

    def network(kind):
        return lambda t, x, z: 0.5 * x.to(kind) + 0.1 * z.to(kind).view(-1, 1, 1, 1)

    x, z = normal(1, 3, 4, 4, dtype=torch.float32), normal(1, 1, dtype=torch.float32)
    found, exact = (
        method.value_and_grad(network(kind), ODE, x, z, lambda image: 1e-9 * image.sum(dim=(1, 2, 3))).grads
        for kind in (half, torch.float32)
    )
    assert relative_error(found["z"], exact["z"]) < 0.02


def test_wrong_requests_are_refused_in_one_sentence(method):
    x, z, loss_fn = arguments()

    def call(**changes):
        given = {"model": Tangle(3, 4), "sampler": ODE, "x_T": x, "z": z, "loss_fn": loss_fn} | changes
        method.value_and_grad(**given)

    with pytest.raises(ValueError, match="wrt may name x_T, z, noises, theta; got 'xT'"):
        call(wrt=("xT",))
    with pytest.raises(ValueError, match="wrt must be a tuple of names"):
        call(wrt="z")
    with pytest.raises(ValueError, match="An ODE sampler has no noises"):
        call(wrt=("noises",))
    with pytest.raises(ValueError, match="no parameter that requires a gradient"):
        call(wrt=("theta",), model=Tangle(3, 4).requires_grad_(False))
    with pytest.raises(ValueError, match=r"one value an image, shape \(2,\)"):
        call(loss_fn=lambda image: image)
    with pytest.raises(ValueError, match="no gradient with respect to the image"):
        call(loss_fn=lambda image: loss_fn(image.detach()))
    with pytest.raises(FloatingPointError, match="The loss is not finite"):
        call(loss_fn=lambda image: loss_fn(image) / 0)
    with pytest.raises(FloatingPointError, match="gradient with respect to x_T is not finite"):
        call(loss_fn=lambda image: (image - image.detach()).flatten(1).norm(dim=1).sqrt() + loss_fn(image))


def test_one_image_that_fails_leaves_the_others_their_gradients(method):
    """The error carries the result: what a caller needs to go on with the images that are right."""
    x, z, loss_fn = arguments()
    whole = method.value_and_grad(Tangle(3, 4), ODE, x, z, loss_fn)
    broken = x.clone()
    broken[1, 0, 0, 0] = float("nan")
    with pytest.raises(NotFinite) as caught:
        method.value_and_grad(Tangle(3, 4), ODE, broken, z, loss_fn)
    found = caught.value.result
    assert found.loss.isfinite().tolist() == [True, False]
    for name in ("x_T", "z"):
        assert relative_error(found.grads[name][0], whole.grads[name][0]) < 1e-12
        assert not found.grads[name][1].isfinite().all()
