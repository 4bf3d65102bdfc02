import pytest
import torch

from adjointdeis import ContinuousAdjoint, LinearVP, Sampler, encode, guide, sample
from tests.truth import Tangle, mixture, normal, squared_distance

GRID = LinearVP().uniform_log_snr(12, end=0.02)
ODE, SDE = Sampler.from_grid(GRID), Sampler.from_grid(GRID, sde=True)
TARGET = normal(2, 2, 2, 3, seed=2)


def arguments():
    return normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(TARGET)


def test_the_first_frame_is_the_plain_sample_and_the_last_follows_the_last_update():
    x, z, loss_fn = arguments()
    frames = list(guide(mixture(), ODE, x, z, loss_fn, steps=4, lr=0.05))
    assert [f.step for f in frames] == [0, 1, 2, 3, 4]
    *_, plain = sample(mixture(), ODE, x, z)
    assert torch.equal(frames[0].image, plain)
    last = frames[-1].variables
    *_, again = sample(mixture(), ODE, last["x_T"], last["z"])
    assert torch.equal(frames[-1].image, again)


@pytest.mark.parametrize(
    ("sampler", "wrt"), [(ODE, ("x_T", "z")), (ODE, ("z",)), (SDE, ("noises", "z")), (SDE, ("noises",))]
)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_loss_falls(sampler, wrt, optimizer):
    x, z, loss_fn = arguments()
    frames = list(
        guide(
            mixture(),
            sampler,
            x,
            z,
            loss_fn,
            steps=20,
            lr=0.03 if optimizer == "adam" else 1e-3,
            wrt=wrt,
            optimizer=optimizer,
        )
    )
    assert (frames[-1].loss < frames[0].loss).all()
    assert set(frames[0].variables) == set(wrt)


def test_network_calls_are_counted():
    x, z, loss_fn = arguments()
    frames = list(guide(mixture(), ODE, x, z, loss_fn, steps=3))
    assert [f.nfe for f in frames] == [24, 48, 72, 84]
    assert [bool(f.grad_norm) for f in frames] == [True, True, True, False]
    assert set(frames[0].grad_norm) == {"x_T", "z"}


def test_no_updates_leave_the_plain_sample():
    x, z, loss_fn = arguments()
    (frame,) = guide(mixture(), ODE, x, z, loss_fn, steps=0)
    *_, plain = sample(mixture(), ODE, x, z)
    assert torch.equal(frame.image, plain)
    assert frame.nfe == ODE.steps


def test_an_encoded_image_is_the_first_frame():
    _x, z, loss_fn = arguments()
    image = normal(2, 2, 2, 3, seed=6)
    encoding = encode(mixture(), SDE, image, z, torch.Generator().manual_seed(1))
    frames = guide(mixture(), SDE, encoding.x_T, z, loss_fn, noises=encoding.noises, steps=1, wrt=("noises", "z"))
    assert (next(frames).image - image).abs().max() < 1e-12


def test_drawn_noises_stay_the_same_over_the_run():
    x, z, loss_fn = arguments()
    torch.manual_seed(0)
    frames = list(guide(mixture(), SDE, x, z, loss_fn, steps=2, lr=1e-9, wrt=("z",)))
    assert (frames[-1].image - frames[0].image).abs().max() < 1e-6


def test_each_variable_may_have_its_own_rate():
    x, z, loss_fn = arguments()
    frames = list(guide(mixture(), ODE, x, z, loss_fn, steps=1, lr={"x_T": 1e-12, "z": 0.1}))
    assert (frames[-1].variables["x_T"] - x).abs().max() < 1e-11
    assert (frames[-1].variables["z"] - z).abs().max() == pytest.approx(0.1, rel=1e-3)


def test_frames_keep_their_own_values_and_the_callers_stay():
    x, z, loss_fn = arguments()
    x_before = x.clone()
    frames = list(guide(mixture(), ODE, x, z, loss_fn, steps=2, lr=0.1))
    assert not torch.equal(frames[0].variables["x_T"], frames[1].variables["x_T"])
    assert torch.equal(frames[0].variables["x_T"], x_before)
    assert torch.equal(x, x_before)


def test_any_gradient_method_and_optimizer_may_be_given():
    x, z, loss_fn = arguments()
    frames = list(
        guide(
            mixture(), ODE, x, z, loss_fn, steps=5, lr=0.05,
            gradient=ContinuousAdjoint(1), optimizer=lambda groups: torch.optim.Adagrad(groups), wrt=("z",),
        )
    )  # fmt: skip
    assert frames[-1].loss.sum() < frames[0].loss.sum()


def test_adam_steps_do_not_depend_on_the_scale_of_the_loss():
    x, z, loss_fn = arguments()
    moved = []
    for scale in (1.0, 1e-8):
        *_, last = guide(mixture(), ODE, x, z, lambda image, s=scale: s * loss_fn(image), steps=3, lr=0.05)
        moved.append(last.variables["z"])
    assert (moved[0] - moved[1]).abs().max() < 1e-6


def test_wrong_arguments_are_refused_before_the_first_frame():
    x, z, loss_fn = arguments()
    with pytest.raises(ValueError, match="steps must be at least 0; got -1"):
        guide(mixture(), ODE, x, z, loss_fn, steps=-1)
    with pytest.raises(ValueError, match="optimizer must be one of adam, sgd"):
        guide(mixture(), ODE, x, z, loss_fn, optimizer="lion")
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got 0 for x_T"):
        guide(mixture(), ODE, x, z, loss_fn, lr=0)
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got None for z"):
        guide(mixture(), ODE, x, z, loss_fn, lr={"x_T": 0.1})
    with pytest.raises(ValueError, match="guide steers x_T, z and noises"):
        guide(Tangle(2, 4), ODE, x, z, loss_fn, wrt=("theta",))
    with pytest.raises(ValueError, match="nothing to optimise"):
        guide(Tangle(2), ODE, x, None, loss_fn, wrt=("z",))
