import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UNet2DModel

from adjointdeis import LinearVP, Sampler, encode, encode_steps, sample
from tests.truth import Tangle, gaussian, mixture, normal

GRID = LinearVP().uniform_log_snr(20)
FIFTY = pytest.param(50, marks=pytest.mark.slow)


def sde(**kwargs):
    return Sampler.from_grid(GRID, sde=True, **kwargs)


SAMPLERS = {
    "sde-dpmsolver-1": sde(),
    "sde-dpmsolver++-1": sde(family="data"),
    "sde-dpmsolver++-2M": sde(family="data", order=2),
}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("at", [0, 7, 39])
def test_an_ode_is_not_inverted_through_what_is_not_finite(bad, at):
    calls = iter(range(10_000))
    world = mixture()

    def network(t, x, z):
        return world(t, x, z) * (bad if next(calls) == at else 1)

    with pytest.raises(FloatingPointError, match=r"output at step \d+ of 20 \(t = [\d.e+-]+\) is not finite"):
        encode(network, Sampler.from_grid(GRID), normal(2, 2, 2, 3), normal(2, 4, seed=1), tolerance=0)


@pytest.mark.parametrize("marginals", ["independent", "posterior"])
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("world", [gaussian(), mixture()], ids=["gaussian", "mixture"])
def test_sde_encoding_gives_the_image_back(world, name, marginals):
    image, z = normal(3, 2, 2, 3), normal(3, 4, seed=1)
    encoding = encode(world, SAMPLERS[name], image, z, torch.Generator().manual_seed(42), marginals)
    *_, back = sample(world, SAMPLERS[name], encoding.x_T, z, encoding.noises)
    assert (back - image).abs().max() < 1e-9


@pytest.mark.parametrize("world", [gaussian(), mixture()], ids=["gaussian", "mixture"])
def test_ode_encoding_gives_the_image_back(world):
    sampler = Sampler.from_grid(GRID)
    image, z = normal(3, 2, 2, 3), normal(3, 4, seed=1)
    encoding = encode(world, sampler, image, z, iterations=500, tolerance=1e-14)
    assert encoding.noises is None
    *_, back = sample(world, sampler, encoding.x_T, z)
    assert (back - image).abs().max() < 1e-9


def test_more_iterations_bring_the_ode_round_trip_closer():
    world, sampler = mixture(), Sampler.from_grid(GRID)
    image, z = normal(3, 2, 2, 3), normal(3, 4, seed=1)
    errors = []
    for iterations in (1, 3, 10):
        *_, back = sample(world, sampler, encode(world, sampler, image, z, iterations=iterations).x_T, z)
        errors.append(float((back - image).abs().max()))
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_an_ode_step_that_does_not_contract_keeps_its_best_iterate():
    sampler = Sampler.from_grid(LinearVP().uniform_log_snr(2))
    image = normal(1, 2, 2, 2)
    steep = lambda t, x, z: 50 * x  # noqa: E731
    assert encode(steep, sampler, image, None, iterations=100).x_T.abs().max() < 1e6


def test_the_path_is_that_of_the_diffusion():
    """x_T is normal around alpha_T image, and posterior noises are nearer to standard normal ones."""
    world = gaussian((1, 16, 16))
    z = normal(8, 4, seed=1)
    image = world.mean(z) + world.std * normal(8, 1, 16, 16)
    spread = {}
    for marginals in ("independent", "posterior"):
        x_T, noises = encode(world, sde(), image, z, torch.Generator().manual_seed(42), marginals)
        residual = (x_T - GRID.alpha[0] * image) / GRID.sigma[0]
        assert float(residual.std()) == pytest.approx(1, abs=0.05)
        a, b = noises[5].flatten(), noises[6].flatten()
        spread[marginals] = float(torch.corrcoef(torch.stack([a, b]))[0, 1])
    assert spread["independent"] < -0.3
    assert abs(spread["posterior"]) < 0.8 * abs(spread["independent"])


@pytest.mark.parametrize("marginals", ["independent", "posterior"])
def test_every_state_of_the_path_is_normal_around_the_image_and_a_chain_remembers(marginals):
    """x_t ~ N(alpha_t image, sigma_t^2), and in the diffusion's chain, where x_s = (alpha_s / alpha_t) x_t + fresh
    noise, the covariance of x_s and x_t is (alpha_s / alpha_t) sigma_t^2.
    """
    image = normal(4, 1, 100, 100)
    states = encode_steps(lambda t, x, z: x, sde(), image, None, torch.Generator().manual_seed(42), marginals)
    path = list(states)[::-1]
    alpha, sigma = GRID.alpha, GRID.sigma
    left = [(x - a * image).flatten() for x, a in zip(path, alpha[:-1], strict=True)]
    for i, residual in enumerate(left):
        assert float(residual.std()) == pytest.approx(sigma[i], rel=0.02)
        assert abs(float(torch.dot(residual, image.flatten()) / image.square().sum())) < 0.02
        if i > 0:
            expected = alpha[i - 1] / alpha[i] * sigma[i] ** 2 if marginals == "posterior" else 0.0
            covariance = float(torch.mean(left[i - 1] * residual))
            assert covariance == pytest.approx(expected, abs=0.02 * sigma[i - 1] * sigma[i])


def test_states_are_yielded_from_the_image_to_the_noise():
    image = normal(1, 3, 4, 4)
    steps = encode_steps(Tangle(3), sde(), image, None, torch.Generator().manual_seed(42))
    distances = [float((x - image).abs().mean()) for x in steps]
    assert len(distances) == 20
    assert distances[0] < 0.1 < distances[-1]


def test_one_seed_gives_one_encoding():
    image = normal(1, 3, 4, 4)
    codes = [encode(Tangle(3), sde(), image, None, torch.Generator().manual_seed(9)) for _ in range(2)]
    assert torch.equal(codes[0].noises, codes[1].noises)


def test_what_cannot_be_encoded_is_refused_with_the_cure():
    image = normal(1, 3, 4, 4)
    scheduler = DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++")
    scheduler.set_timesteps(5)
    with pytest.raises(ValueError, match=r"no noise to solve for.*final='sigma_min'"):
        encode(Tangle(3), Sampler.from_scheduler(scheduler, sde=True), image, None)
    ddim = DDIMScheduler(clip_sample=False, prediction_type="sample", rescale_betas_zero_snr=True)
    ddim.set_timesteps(5)
    with pytest.raises(ValueError, match=r"keeps nothing of its start.*final='sigma_min'"):
        encode(Tangle(3), Sampler.from_scheduler(ddim), image, None)
    assert encode(Tangle(3), Sampler.from_scheduler(ddim, final="sigma_min"), image, None).x_T.isfinite().all()
    with pytest.raises(NotImplementedError, match="encode with order=1"):
        encode(Tangle(3), Sampler.from_grid(GRID, order=2), image, None)
    with pytest.raises(ValueError, match="'independent' or 'posterior'; got 'other'"):
        encode(Tangle(3), sde(), image, None, marginals="other")
    with pytest.raises(ValueError, match="iterations must be at least 1"):
        encode(Tangle(3), Sampler.from_grid(GRID), image, None, iterations=0)


def round_trip(dtype, state, order, steps):
    """The largest difference of an image and its sample, by an untrained UNet in `dtype`."""
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(16, 16),
        down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
        norm_num_groups=8,
    ).to(dtype)

    def model(t, x, z):
        return unet(x.to(dtype), t).sample

    scheduler = DPMSolverMultistepScheduler()
    scheduler.set_timesteps(steps)
    sampler = Sampler.from_scheduler(scheduler, sde=True, order=order, family="data", final="sigma_min")
    image = torch.rand(2, 3, 8, 8, dtype=state, generator=torch.Generator().manual_seed(1)) * 2 - 1
    encoding = encode(model, sampler, image, None, torch.Generator().manual_seed(2))
    assert encoding.noises.dtype == torch.float64
    with torch.no_grad():
        *_, back = sample(model, sampler, encoding.x_T, None, encoding.noises)
    assert back.dtype == encoding.x_T.dtype == state
    return (back - image).abs().max()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10, 20, FIFTY])
def test_a_float32_image_returns_exactly_whatever_the_networks_precision(dtype, order, steps):
    assert round_trip(dtype, torch.float32, order, steps) == 0


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("steps", [5, 20, FIFTY])
def test_in_float64_the_rounding_of_one_step_is_lost(order, steps):
    assert round_trip(torch.bfloat16, torch.float64, order, steps) <= 4 * 2**-53  # the spacing of numbers in [0.5, 1)


@pytest.mark.parametrize("marginals", ["independent", "posterior"])
def test_with_a_generator_for_each_image_the_encoding_does_not_depend_on_the_batch(marginals):
    image, z = normal(3, 2, 2, 3), normal(3, 4, seed=1)

    def encoded(rows):
        generators = [torch.Generator().manual_seed(i) for i in rows]
        return encode(mixture(), sde(), image[rows], z[rows], generators, marginals)

    whole = encoded([0, 1, 2])
    for row in range(3):
        alone = encoded([row])
        assert torch.allclose(whole.x_T[row], alone.x_T[0])
        assert torch.allclose(whole.noises[:, row], alone.noises[:, 0])
    with pytest.raises(ValueError, match="got 2 for 3"):
        encode(mixture(), sde(), image, z, [torch.Generator(), torch.Generator()])
