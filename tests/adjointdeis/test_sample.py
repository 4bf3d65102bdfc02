import pytest
import torch
from jaxtyping import config as jaxtyping_config

from adjointdeis import LinearVP, Sampler, sample
from adjointdeis.sample import follow
from tests.truth import Tangle, normal

ODE = Sampler.from_grid(LinearVP().uniform_log_snr(4))
SDE = Sampler.from_grid(LinearVP().uniform_log_snr(4), sde=True)


def test_all_states_are_yielded_from_the_start_to_the_image():
    x = normal(2, 3, 2, 2)
    states = list(sample(Tangle(3), ODE, x, None))
    assert len(states) == 5
    assert states[0] is x


def test_the_network_gets_time_as_a_batch_of_the_grids_kind():
    times = []

    def model(t, x, z):
        times.append(t)
        return x

    list(sample(model, ODE, normal(3, 1, 2, 2), None))
    assert [t.shape for t in times] == [(3,)] * 4
    assert times[0].dtype == torch.float64
    assert [float(t[0]) for t in times] == list(ODE.grid.times[:-1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 1, 3, 5), (3, 2, 8, 4), (2, 4)])
def test_any_batch_size_and_dtype_keep_theirs(dtype, shape):
    x = normal(*shape, dtype=dtype)
    *_, image = sample(Tangle(shape[1]), ODE, x, None)
    assert image.shape == x.shape
    assert image.dtype == dtype


def test_images_of_a_batch_do_not_touch_each_other():
    x, z = normal(3, 2, 4, 4), normal(3, 5, seed=1)
    model = Tangle(2, 5)
    *_, together = sample(model, ODE, x, z)
    *_, alone = sample(model, ODE, x[1:2], z[1:2])
    assert (together[1:2] - alone).abs().max() < 1e-14


def test_recorded_and_fresh_noises_take_the_same_path():
    x = normal(2, 3, 2, 2)
    torch.manual_seed(4)
    *_, fresh = sample(Tangle(3), SDE, x, None)
    torch.manual_seed(4)
    noises = SDE.draw_noises(x)
    *_, recorded = sample(Tangle(3), SDE, x, None, noises)
    *_, listed = sample(Tangle(3), SDE, x, None, list(noises))
    assert torch.equal(fresh, recorded)
    assert torch.equal(fresh, listed)


def test_a_noise_in_float64_is_added_before_the_state_is_rounded():
    x, fine = normal(2, 3, 2, 2, dtype=torch.float32), normal(4, 2, 3, 2, 2)
    *_, before, image = sample(lambda t, x, z: x, SDE, x, None, fine)
    row = SDE.rows[-1]
    rest, _ = follow(row, before, before, (), None)
    assert image.dtype == torch.float32
    assert torch.equal(image, (rest.double() + row.D * fine[-1]).float())
    *_, coarse = sample(lambda t, x, z: x, SDE, x, None, fine.float())
    assert torch.allclose(image, coarse, atol=1e-5)


def test_gradients_pass_when_the_caller_asks_for_them():
    x = normal(2, 3, 2, 2).requires_grad_()
    *_, image = sample(Tangle(3), ODE, x, None)
    assert image.requires_grad


def test_wrong_noises_and_wrong_outputs_are_refused():
    x = normal(2, 3, 2, 2)
    with pytest.raises(ValueError, match="An ODE sampler takes no noises"):
        sample(Tangle(3), ODE, x, None, normal(4, 2, 3, 2, 2))
    with pytest.raises(ValueError, match=r"noises must be .* \(4, 2, 3, 2, 2\); got \(3, 2, 3, 2, 2\)"):
        sample(Tangle(3), SDE, x, None, normal(3, 2, 3, 2, 2))
    with pytest.raises(ValueError, match="must return the shape of its input"):
        list(sample(lambda t, x, z: x[:, :1], ODE, x, None))


@pytest.mark.parametrize(
    ("noises", "got"),
    [
        (torch.zeros(4, 2, 3, dtype=torch.long), "floating-point numbers on cpu, where x_T is; got torch.int64 on cpu"),
        (torch.zeros(4, 2, 3, device="meta"), "got torch.float32 on meta"),
        (torch.zeros(4, 2, 3).numpy(), r"or one of shape \(2, 3\) a step; got ndarray"),
        ([torch.zeros(2, 3)] * 3 + [torch.zeros(1, 3)], r"a step; got \(1, 3\)"),
        ([torch.zeros(2, 3)] * 2, r"got \(2, 2, 3\)"),
        ([], r"got \(0, 2, 3\)"),
        (1.0, "a step; got float"),
    ],
)
def test_noises_that_are_no_numbers_for_each_step_are_refused(noises, got, monkeypatch):
    # callers have no shape checker, which would be the first to refuse
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=got):
        sample(Tangle(3), SDE, normal(2, 3), None, noises)
