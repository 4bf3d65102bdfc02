import pytest
import torch

from clay.networks.clip import create_clip
from clay.networks.images import to_unit
from clay.networks.readout import Readout
from clay.networks.scheduler import make_scheduler
from clay.training.diffusion import DiffusionLoss, denoising_loss, grid_times, perceptual_loss, sample_times
from clay.training.loop import Plan, train


@pytest.fixture
def images():
    return torch.randint(256, (8, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def tower():
    torch.manual_seed(1)
    return create_clip().eval().requires_grad_(False).visual


def test_times_cover_the_schedule_and_are_densest_around_the_mean_level(autoencoder):
    t = sample_times(autoencoder, 4000, torch.Generator().manual_seed(0))
    a_t = autoencoder.alpha_bar(t).flatten()
    level = 0.5 * torch.log((1 - a_t) / a_t)
    assert 0 <= t.min() < 5
    assert 995 < t.max() <= 999
    assert abs(level.median() + 1.2) < 0.3


def test_a_network_that_meets_its_target_predicts_the_true_noise(autoencoder, images, monkeypatch):
    """If F met its target exactly, the loss would vanish and eps be the noise: loss and model share one convention."""
    image = to_unit(images[:4])
    z = autoencoder.encode(image)
    decoded = autoencoder.decoder(z)
    call = {}

    def perfect(t, scaled, given):
        a_t, s = autoencoder.alpha_bar(t), decoded.spread
        sigma_t = ((1 - a_t) / a_t).sqrt()
        v = sigma_t**2 + s**2
        r = scaled * v.sqrt()
        call.update(t=t, x_t=a_t.sqrt() * (r + decoded.mean), noise=(r + decoded.mean - image) / sigma_t)
        return (image - decoded.mean - s**2 / v * r) * v.sqrt() / (s * sigma_t)

    monkeypatch.setattr(autoencoder, "predict_residual", perfect)
    times = sample_times(autoencoder, 4, torch.Generator().manual_seed(2))
    error, denoised = denoising_loss(autoencoder, image, decoded, times, torch.Generator().manual_seed(3))
    assert error < 1e-6
    assert (denoised - image).abs().max() < 1e-3
    eps = autoencoder(call["t"], call["x_t"], z)
    assert (eps - call["noise"]).abs().max() < 1e-2


@pytest.mark.slow
def test_a_few_steps_run_and_lower_all_losses(autoencoder, images, tmp_path):
    model = Readout(type(autoencoder).create((16, 32)), 128, 5)
    plan = Plan(6, rate=1e-3, warmup=1, checkpoint_seconds=1e9)
    losses = DiffusionLoss(images, torch.randn(8, 5), batch=4, noisy=2)
    first = losses(model, 0, torch.Generator().manual_seed(0))
    *_, last = train(model, losses, plan, tmp_path / "run.pt")
    after = losses(last.average, 0, torch.Generator().manual_seed(0))
    assert after["fine"] < first["fine"]
    assert after["coarse"] < first["coarse"]
    assert after["readout"] < first["readout"]


def test_the_grids_of_few_steps_are_those_of_the_scheduler():
    assert grid_times(make_scheduler()).tolist() == [125, 250, 375, 500, 624, 749, 874, 999]
    leading = grid_times(make_scheduler("leading")).tolist()
    assert leading == [111, 200, 222, 333, 400, 444, 555, 600, 666, 777, 800, 888]


def test_x0_hat_of_the_loss_is_the_one_that_the_noise_gives(autoencoder, images):
    image = to_unit(images[:4])
    z = autoencoder.encode(image)
    times = torch.tensor([10.0, 250.0, 500.0, 900.0])
    _, denoised = denoising_loss(autoencoder, image, autoencoder.decoder(z), times, torch.Generator().manual_seed(3))
    a_t, noise = autoencoder.alpha_bar(times), torch.randn(image.shape, generator=torch.Generator().manual_seed(3))
    x_t = a_t.sqrt() * image + (1 - a_t).sqrt() * noise
    expected = (x_t - (1 - a_t).sqrt() * autoencoder(times, x_t, z)) / a_t.sqrt()
    # x_0 and the noise are subtracted at the last time, where sqrt(a_t) is small
    torch.testing.assert_close(denoised, expected, atol=2e-4, rtol=0)


def test_the_perceptual_loss_is_zero_at_the_image_and_leads_to_it(tower, images):
    image = to_unit(images[:2])
    assert perceptual_loss(tower, image, image) == 0
    blurred = torch.nn.functional.avg_pool2d(image, 3, 1, 1).requires_grad_()
    loss = perceptual_loss(tower, blurred, image)
    (gradient,) = torch.autograd.grad(loss, blurred)
    assert perceptual_loss(tower, blurred - 0.1 * gradient / gradient.norm(), image) < loss


def test_few_steps_and_the_perceptual_loss_take_part(autoencoder, images, tower):
    model = Readout(type(autoencoder).create((16, 32)), 128, 5)
    losses = DiffusionLoss(images, torch.randn(8, 5), batch=4, noisy=2, grids=1.0, tower=tower, perceptual=3.0)
    terms = losses(model, 0, torch.Generator().manual_seed(0))
    sum_of_terms = terms["fine"] + 10 * terms["coarse"] + terms["spread"] + terms["readout"] + 3 * terms["perceptual"]
    torch.testing.assert_close(terms["loss"], sum_of_terms)
    assert set(losses._times(model.network, torch.Generator().manual_seed(1)).tolist()) <= set(
        grid_times(model.network.scheduler).tolist()
    )


def test_more_noisy_images_than_the_batch_are_refused(images):
    with pytest.raises(ValueError, match="noisy must lie between 1 and batch = 4, but is 5"):
        DiffusionLoss(images, torch.randn(8, 5), batch=4, noisy=5)
