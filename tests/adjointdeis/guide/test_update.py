"""Halved rates, image by image: through `guide`, on losses that are not finite beyond a distance."""

import pytest
import torch

from adjointdeis import DiscreteAdjoint, LinearVP, Sampler, StepOptions, guide
from adjointdeis.shapes import Scheduled
from tests.truth import mixture, normal, relative_error, squared_distance

ODE = Sampler.from_grid(LinearVP().uniform_log_snr(8, end=0.02))
TARGET = normal(3, 2, 2, 3, seed=2)
X, Z = normal(3, 2, 2, 3), normal(3, 4, seed=1)
OPTIMIZERS = pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.2), ("sgd", 0.02), ("lbfgs", 1.0)])


def start_image():
    (frame,) = guide(mixture(), ODE, X, Z, squared_distance(TARGET), steps=0)
    return frame.image


def walled(width, image=1, target=TARGET):
    """The squared distance, but not a number for one image once it has moved further than `width`."""
    start, plain = start_image(), squared_distance(target)
    which = torch.arange(len(target)) == image

    def loss_fn(x):
        beyond = ((x - start).flatten(1).norm(dim=1) > width) & which
        return torch.where(beyond, float("nan"), plain(x))

    return loss_fn


def steer(loss_fn, optimizer="adam", lr=0.2, steps=3, rules=StepOptions(), x_T=X, z=Z, **more):
    return list(guide(mixture(), ODE, x_T, z, loss_fn, optimizer=optimizer, lr=lr, steps=steps, rules=rules, **more))


@OPTIMIZERS
def test_a_step_beyond_the_wall_is_taken_back_and_made_at_half_the_rate(optimizer, lr):
    frames = steer(walled(0.2), optimizer, lr)
    for frame in frames:
        assert frame.loss.isfinite().all()
        assert all(v.isfinite().all() for v in frame.variables.values())
    last = frames[-1]
    assert last.halvings[1] > 0
    assert last.status == ("moving", "moving", "moving")
    assert not torch.equal(last.variables["z"][1], Z[1])
    assert last.loss[1] < frames[0].loss[1]
    # the rate stays halved: the wall is met fewer times than there are updates of the full rate
    assert last.halvings[1] <= StepOptions().halvings


def test_only_the_image_at_the_wall_backs_off():
    free, held = steer(squared_distance(TARGET)), steer(walled(0.2))
    assert held[-1].halvings[::2] == (0, 0)
    for name in ("x_T", "z"):
        assert relative_error(held[-1].variables[name][::2], free[-1].variables[name][::2]) < 1e-12
        assert relative_error(held[-1].variables[name][1], free[-1].variables[name][1]) > 1e-3


@OPTIMIZERS
def test_an_image_that_cannot_move_at_all_is_given_up_where_it_was_and_the_others_go_on(optimizer, lr):
    frames = steer(walled(0.0), optimizer, lr, rules=StepOptions(halvings=3))
    last = frames[-1]
    assert frames[0].status == ("moving", "moving", "moving")
    assert last.status == ("moving", "failed", "moving")
    for name, start in (("x_T", X), ("z", Z)):
        assert torch.equal(last.variables[name][1], start[1])
    assert last.loss[1] == pytest.approx(float(frames[0].loss[1]), rel=1e-12)
    assert (last.loss[::2] < frames[0].loss[::2]).all()


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.2), ("sgd", 0.02)])
def test_an_image_that_is_not_finite_at_the_start_leaves_the_others_their_own_path(optimizer, lr):
    broken = X.clone()
    broken[1, 0, 0, 0] = float("nan")
    frames = steer(squared_distance(TARGET), optimizer, lr, x_T=broken)
    alone = steer(squared_distance(TARGET[::2]), optimizer, lr, x_T=X[::2], z=Z[::2])
    assert {frame.status for frame in frames} == {("moving", "failed", "moving")}
    assert relative_error(frames[-1].variables["z"][::2], alone[-1].variables["z"]) < 1e-12
    assert relative_error(frames[-1].loss[::2], alone[-1].loss) < 1e-12
    assert frames[0].grad_norm["z"] == pytest.approx(alone[0].grad_norm["z"])
    assert torch.equal(frames[-1].variables["z"][1], Z[1])


def test_lbfgs_leaves_out_an_image_that_is_not_finite_at_the_start():
    broken = X.clone()
    broken[1, 0, 0, 0] = float("nan")
    frames = steer(squared_distance(TARGET), "lbfgs", 1.0, x_T=broken)
    alone = steer(squared_distance(TARGET[::2]), "lbfgs", 1.0, x_T=X[::2], z=Z[::2])
    assert relative_error(frames[-1].variables["z"][::2], alone[-1].variables["z"]) < 1e-9
    assert frames[-1].status[1] == "failed"


def test_a_whole_batch_that_fails_at_the_start_is_an_error():
    with pytest.raises(FloatingPointError, match="not finite"):
        steer(squared_distance(TARGET), x_T=torch.full_like(X, float("nan")))
    with pytest.raises(FloatingPointError, match="not finite"):
        steer(squared_distance(TARGET), x_T=torch.full_like(X, float("nan")), steps=0)


@OPTIMIZERS
def test_a_single_image_that_fails_later_ends_the_run_at_its_last_good_state(optimizer, lr):
    loss_fn = walled(1e-9, image=0)  # alone in its batch an image may be rounded otherwise than among three
    frames = steer(lambda x: loss_fn(torch.cat([x, TARGET[1:]]))[:1], optimizer, lr, x_T=X[:1], z=Z[:1])
    assert [frame.status for frame in frames] == [("moving",), ("failed",)]
    assert torch.equal(frames[-1].variables["x_T"], X[:1])
    assert frames[-1].loss.isfinite().all()


def test_the_calls_of_steps_taken_back_are_counted():
    """Every retry samples and differentiates again, and a failed pass is made once more to locate the failure."""
    free, held = steer(squared_distance(TARGET), steps=2), steer(walled(0.2), steps=2)
    assert held[1].nfe >= free[1].nfe + 2 * ODE.steps * held[1].halvings[1]


@pytest.mark.parametrize("z", [Z[0], Scheduled(normal(8, 1, 4))], ids=["one for all", "one a step for all"])
def test_images_that_share_a_conditioning_stand_and_fall_together(z):
    def network(t, x, z):
        return mixture()(t, x, z.expand(len(x), -1))

    plain = squared_distance(TARGET)
    start = next(guide(network, ODE, X, z, plain, steps=0)).image

    def at_the_wall(x):
        moved = (x != start).flatten(1).any(1) & (torch.arange(3) == 1)
        return torch.where(moved, float("nan"), plain(x))

    frames = list(guide(network, ODE, X, z, at_the_wall, lr=0.1, steps=3, rules=StepOptions(halvings=2)))
    assert frames[-1].status == ("failed", "failed", "failed")
    assert torch.equal(frames[-1].variables["x_T"], X)


def test_rates_are_halved_for_a_method_that_raises_without_a_result_too():
    class Terse:
        """A gradient method of another author."""

        def value_and_grad(self, *args, **kwargs):
            try:
                return DiscreteAdjoint().value_and_grad(*args, **kwargs)
            except FloatingPointError:
                raise FloatingPointError("not finite") from None

    *frames, _ = steer(walled(0.2), gradient=Terse())
    assert frames[-1].halvings[0] == frames[-1].halvings[1] > 0
    assert frames[-1].loss.isfinite().all()


def test_lbfgs_takes_several_evaluations_an_update_and_never_goes_uphill():
    frames = steer(squared_distance(TARGET), "lbfgs", 0.05, steps=6)
    losses = torch.stack([frame.loss.sum() for frame in frames])
    assert (losses.diff() < 0).all()
    calls = torch.tensor([frame.nfe for frame in frames]).diff()
    assert (calls % (2 * ODE.steps) == 0).all()
    assert calls.max() > 2 * ODE.steps
    by_adam = steer(squared_distance(TARGET), "adam", 0.05, steps=6)
    assert losses[-1] < by_adam[-1].loss.sum()


def test_lbfgs_does_not_depend_on_the_scale_of_the_loss():
    """torch's own tolerances are absolute; a loss of 1e-10 would not move at all."""
    moved = [
        steer(lambda x, s=scale: s * squared_distance(TARGET)(x), "lbfgs", 1.0)[-1].variables["z"]
        for scale in (1.0, 1e-10)
    ]
    assert relative_error(*moved) < 1e-6


def test_lbfgs_refuses_gradients_that_are_not_the_losss():
    for rules in (StepOptions(normalize=True), StepOptions(clip=1.0)):
        with pytest.raises(ValueError, match="L-BFGS needs the unchanged gradient"):
            guide(mixture(), ODE, X, Z, squared_distance(TARGET), optimizer="lbfgs", lr=1.0, rules=rules)
