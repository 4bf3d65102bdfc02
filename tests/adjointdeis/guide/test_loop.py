import pytest
import torch

from adjointdeis import (
    ContinuousAdjoint,
    HalfPrecision,
    LinearVP,
    Sampler,
    StepOptions,
    StopOptions,
    encode,
    guide,
    sample,
)
from adjointdeis.guide.norm_prior import norm_prior
from adjointdeis.guide.optimizers import OPTIMIZERS
from adjointdeis.shapes import Scheduled
from tests.truth import Tangle, mixture, normal, relative_error, squared_distance

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
@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.03), ("adamw", 0.03), ("sgd", 1e-3), ("lbfgs", 1.0)])
def test_the_loss_falls(sampler, wrt, optimizer, lr):
    x, z, loss_fn = arguments()
    torch.manual_seed(0)  # noises that are not given are drawn
    frames = list(
        guide(
            mixture(),
            sampler,
            x,
            z,
            loss_fn,
            steps=5,
            lr=lr,
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


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.01), ("adamw", 0.01), ("sgd", 1e-5), ("lbfgs", 1.0)])
def test_an_image_in_float32_is_steered_from_its_encoding_in_float64(optimizer, lr):
    model, image = Tangle(2, 4), normal(2, 2, 2, 3, seed=6, dtype=torch.float32)
    z, loss_fn = normal(2, 4, seed=1, dtype=torch.float32), squared_distance(TARGET.float())
    x_T, noises = encode(model, SDE, image, z, torch.Generator().manual_seed(1))
    wrt = ("noises", "z", "x_T")
    frames = list(guide(model, SDE, x_T, z, loss_fn, noises=noises, steps=3, lr=lr, wrt=wrt, optimizer=optimizer))
    assert torch.equal(frames[0].image, image)
    assert (frames[-1].loss < frames[0].loss).all()
    assert [frames[-1].variables[name].dtype for name in wrt] == [torch.float64, torch.float32, torch.float32]


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
    with pytest.raises(ValueError, match="optimizer must be one of adam, adamw, lbfgs, sgd, or a function; got 'lion'"):
        guide(mixture(), ODE, x, z, loss_fn, optimizer="lion")
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got 0 for x_T"):
        guide(mixture(), ODE, x, z, loss_fn, lr=0)
    with pytest.raises(ValueError, match="lr must be above 0 for every variable; got None for z"):
        guide(mixture(), ODE, x, z, loss_fn, lr={"x_T": 0.1})
    with pytest.raises(ValueError, match="guide steers x_T, z and noises"):
        guide(Tangle(2, 4), ODE, x, z, loss_fn, wrt=("theta",))
    with pytest.raises(ValueError, match="nothing to optimise"):
        guide(Tangle(2), ODE, x, None, loss_fn, wrt=("z",))


def test_several_losses_are_steered_by_their_sum_and_shown_one_by_one():
    x, z, near = arguments()
    losses = {"near": (1.0, near), "small": (0.1, lambda image: image.square().flatten(1).sum(1))}
    frames = list(guide(mixture(), ODE, x, z, losses, steps=3, lr=0.05))
    for frame in frames:
        assert torch.equal(frame.terms["near"], near(frame.image))
        assert torch.allclose(frame.loss, frame.terms["near"] + 0.1 * frame.terms["small"])
    single = list(
        guide(mixture(), ODE, x, z, lambda image: near(image) + 0.1 * losses["small"][1](image), steps=3, lr=0.05)
    )
    assert torch.allclose(frames[-1].image, single[-1].image)
    assert single[-1].terms == {}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("sampler", [ODE, SDE], ids=["ode", "sde"])
def test_where_the_mask_is_zero_a_variable_stays_bit_for_bit(sampler, optimizer):
    x, z, loss_fn = arguments()
    w = normal(12, 2, 2, 2, 3, seed=8) if sampler.sde else None
    name, value = ("noises", w) if sampler.sde else ("x_T", x)
    mask = torch.tensor([1.0, 0.0, 1.0])
    frames = list(
        guide(
            mixture(), sampler, x, z, loss_fn, noises=w, wrt=(name, "z"), optimizer=optimizer, lr=0.05, steps=3,
            rules=StepOptions(masks={name: mask}),
        )
    )  # fmt: skip
    moved = frames[-1].variables[name]
    assert torch.equal(moved[..., 1].view(torch.int64), value[..., 1].view(torch.int64))
    assert (moved[..., 0] != value[..., 0]).any()
    assert frames[-1].loss.sum() < frames[0].loss.sum()


@pytest.mark.slow
def test_the_norm_prior_holds_the_length_of_x_t_while_steering():
    x, z, loss_fn = normal(2, 2, 2, 3), normal(2, 4, seed=1), squared_distance(5 * TARGET)
    away = []
    for weight in (0.0, 3.0):
        *_, last = guide(mixture(), ODE, x, z, loss_fn, wrt=("x_T",), lr=0.1, steps=30, rules=StepOptions(shell=weight))
        away.append(norm_prior(last.variables["x_T"]).max())
    assert away[1] < 0.2 * away[0]
    assert torch.equal(last.terms["shell"], norm_prior(last.variables["x_T"]))


def test_normalized_steps_do_not_depend_on_the_scale_of_an_images_loss():
    x, z, loss_fn = arguments()
    scale = torch.tensor([1.0, 1e-6])
    moved = [
        list(guide(mixture(), ODE, x, z, f, optimizer="sgd", lr=0.05, steps=3, rules=StepOptions(normalize=True)))[-1]
        for f in (loss_fn, lambda image: scale * loss_fn(image))
    ]
    assert relative_error(moved[1].image, moved[0].image) < 1e-9
    assert (moved[0].variables["z"] - z).norm(dim=1).max() <= 3 * 0.05 + 1e-12


def test_the_gradient_shown_is_the_one_found_not_the_one_used():
    x, z, loss_fn = arguments()
    plain, normalized = (
        next(guide(mixture(), ODE, x, z, loss_fn, rules=rules))
        for rules in (StepOptions(), StepOptions(normalize=True))
    )
    assert plain.grad_norm == normalized.grad_norm


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.slow
def test_an_image_that_has_reached_its_goal_stays_as_it_is_until_all_have(optimizer):
    x, z, loss_fn = arguments()
    free = list(guide(mixture(), ODE, x, z, loss_fn, optimizer=optimizer, lr=0.2, steps=12))
    goal = float(max(free[6].loss))
    stopped = list(
        guide(mixture(), ODE, x, z, loss_fn, optimizer=optimizer, lr=0.2, steps=12, stop=StopOptions(below=goal))
    )
    last = stopped[-1]
    assert last.status == ("reached", "reached")
    assert (last.loss <= goal).all()
    assert len(stopped) < len(free)
    for i in range(2):
        since = next(frame for frame in stopped if frame.status[i] == "reached")
        assert torch.equal(last.variables["x_T"][i], since.variables["x_T"][i])
    assert stopped[0].status == ("moving", "moving")


def test_a_loss_that_falls_no_more_ends_the_run():
    x, z, loss_fn = arguments()
    frames = list(
        guide(
            mixture(),
            ODE,
            x,
            z,
            loss_fn,
            optimizer="sgd",
            lr=1e-12,
            steps=50,
            stop=StopOptions(patience=3, improvement=1e-3),
        )
    )
    assert [frame.step for frame in frames] == [0, 1, 2, 3]
    assert frames[-1].status == ("settled", "settled")


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_one_conditioning_a_step_is_steered_too(optimizer):
    x, z, loss_fn = arguments()
    schedule = Scheduled(z.expand(12, 2, 4).clone())
    frames = list(guide(mixture(), ODE, x, schedule, loss_fn, wrt=("z",), optimizer=optimizer, lr=0.1, steps=4))
    last = frames[-1]
    assert last.loss.sum() < frames[0].loss.sum()
    assert last.variables["z"].shape == (12, 2, 4)
    assert last.variables["z"].std(dim=0).max() > 1e-3  # every step has its own
    *_, again = sample(mixture(), ODE, x, Scheduled(last.variables["z"]))
    assert torch.equal(again, last.image)


def test_a_network_in_half_precision_is_steered_like_one_in_float32():
    network = Tangle(2, 4).requires_grad_(False)
    x, z = (v.float() for v in arguments()[:2])
    loss_fn = squared_distance(TARGET.float())
    full, half = (
        list(guide(m, ODE, x, z, lambda image: 1e-7 * loss_fn(image), steps=5, lr=0.05))[-1]
        for m in (network, HalfPrecision(network, torch.bfloat16))
    )
    assert half.variables["x_T"].dtype == torch.float32
    assert relative_error(half.variables["z"] - z, full.variables["z"] - z) < 0.05
    with pytest.raises(ValueError, match=r"x_T is torch.float16.*in HalfPrecision"):
        guide(network, ODE, x.half(), z, loss_fn)


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.03), ("sgd", 1e-3)])
def test_a_run_that_is_extended_equals_a_longer_one(optimizer, lr):
    x, z, loss_fn = arguments()
    whole = list(guide(mixture(), ODE, x, z, loss_fn, steps=7, optimizer=optimizer, lr=lr))
    frames = guide(mixture(), ODE, x, z, loss_fn, steps=3, optimizer=optimizer, lr=lr)
    first = list(frames)
    frames.extend(4)
    both = [*first, *frames]
    assert [f.step for f in both] == list(range(8))
    assert all(torch.equal(a.image, b.image) for a, b in zip(both, whole, strict=True))
    with pytest.raises(ValueError, match="steps must be at least 0; got -1"):
        frames.extend(-1)


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", 0.03), ("sgd", 1e-3)])
@pytest.mark.parametrize("call", [5, 30, 40])
def test_a_run_goes_on_after_an_exception_as_if_there_had_been_none(optimizer, lr, call):
    x, z, loss_fn = arguments()
    network, calls = mixture(), []

    def broken(t, x_t, z_t):
        calls.append(t)
        if len(calls) == call:
            raise KeyboardInterrupt
        return network(t, x_t, z_t)

    whole = list(guide(network, ODE, x, z, loss_fn, steps=3, optimizer=optimizer, lr=lr))
    frames = guide(broken, ODE, x, z, loss_fn, steps=3, optimizer=optimizer, lr=lr)
    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(frames)
    found.extend(frames)
    assert [f.step for f in found] == [0, 1, 2, 3]
    assert all(torch.equal(a.image, b.image) for a, b in zip(found, whole, strict=True))


def test_lbfgs_goes_on_after_an_exception_from_the_state_before_the_update():
    x, z, loss_fn = arguments()
    network, calls = mixture(), []

    def broken(t, x_t, z_t):
        calls.append(t)
        if len(calls) == 60:
            raise KeyboardInterrupt
        return network(t, x_t, z_t)

    frames, found = guide(broken, ODE, x, z, loss_fn, steps=3, optimizer="lbfgs", lr=1.0), []
    with pytest.raises(KeyboardInterrupt):
        found.extend(frames)
    found.extend(frames)
    assert [f.step for f in found] == [0, 1, 2, 3]
    assert (found[-1].loss < found[0].loss).all()


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize(("sampler", "wrt"), [(ODE, ("x_T", "z")), (SDE, ("noises", "z"))])
def test_images_that_are_kept_go_on_as_if_the_others_had_stayed(optimizer, sampler, wrt):
    x, z, target = normal(3, 2, 2, 3), normal(3, 4, seed=1), normal(3, 2, 2, 3, seed=2)
    noises = normal(12, 3, 2, 2, 3, seed=3) if sampler.sde else None
    arguments = {"noises": noises, "steps": 6, "lr": 0.02, "wrt": wrt, "optimizer": optimizer}
    whole = list(guide(mixture(), sampler, x, z, squared_distance(target), **arguments))
    rows = [0, 1, 2]
    frames = guide(mixture(), sampler, x, z, lambda image: squared_distance(target[rows])(image), **arguments)
    for _ in range(3):
        last = next(frames)
    for chosen in ([2, 0], [1]):  # the image 1 of the two that are left is the first of all
        rows = [rows[i] for i in chosen]
        frames.keep(chosen)
        last = next(frames)
    assert last.image.shape == (1, 2, 2, 3)
    expected = whole[last.step]
    assert torch.allclose(last.image[0], expected.image[0], atol=1e-5)
    for name in wrt:
        axis = 1 if name == "noises" else 0
        kept = last.variables[name].select(axis, 0)
        assert torch.allclose(kept, expected.variables[name].select(axis, 0), atol=1e-5)


def test_keep_refuses_what_it_cannot_do():
    x, z, loss_fn = arguments()
    frames = guide(mixture(), ODE, x, z, loss_fn, steps=2)
    with pytest.raises(ValueError, match="after its first frame"):
        frames.keep([0])
    next(frames)
    for rows in ([], [0, 0], [2], [-1]):
        with pytest.raises(ValueError, match="indices of the 2 images"):
            frames.keep(rows)
    lbfgs = guide(mixture(), ODE, x, z, loss_fn, steps=2, optimizer="lbfgs", lr=1.0)
    next(lbfgs)
    with pytest.raises(ValueError, match="L-BFGS"):
        lbfgs.keep([0])
    shared = guide(mixture(), ODE, x, z[:1], loss_fn, steps=2, wrt=("z",))
    next(shared)
    with pytest.raises(ValueError, match="share a variable"):
        shared.keep([0])
