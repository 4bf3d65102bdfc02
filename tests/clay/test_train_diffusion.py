import pytest
import torch

from clay.pictures import to_unit
from clay.train_diffusion import Losses, denoising_loss, sample_times
from clay.training import Plan, train


@pytest.fixture
def pictures():
    return torch.randint(256, (8, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_times_cover_the_schedule_and_crowd_where_the_residual_is_decided(autoencoder):
    t = sample_times(autoencoder, 4000, torch.Generator().manual_seed(0))
    a_t = autoencoder.alpha_bar(t).flatten()
    level = 0.5 * torch.log((1 - a_t) / a_t)
    assert 0 <= t.min() < 5
    assert 995 < t.max() <= 999
    assert abs(level.median() + 1.2) < 0.3


def test_the_training_target_is_what_turns_the_network_into_the_true_noise(autoencoder, pictures, monkeypatch):
    """If F met its target exactly, eps would be the noise: the loss and the model share one convention."""
    image, generator = to_unit(pictures[:4]), torch.Generator().manual_seed(3)
    z = autoencoder.encode(image)
    caught = {}

    def perfect(out, target):
        caught["target"] = target
        return (out - target).square().mean()

    def remember(t, scaled, decoded):
        caught.setdefault("t", t)
        caught.setdefault("scaled", scaled)
        return caught.get("answer", torch.zeros_like(scaled))

    monkeypatch.setattr("clay.train_diffusion.F.mse_loss", perfect)
    monkeypatch.setattr(autoencoder, "predict_residual", remember)
    decoded = autoencoder.decoder(z)
    denoising_loss(autoencoder, image, decoded, generator)
    a_t = autoencoder.alpha_bar(caught["t"])
    sigma_t = ((1 - a_t) / a_t).sqrt()
    r = caught["scaled"] * (sigma_t**2 + autoencoder.residual**2).sqrt()
    x_t = a_t.sqrt() * (r + decoded.mean)
    noise = (x_t - a_t.sqrt() * image) / (1 - a_t).sqrt()
    caught["answer"] = caught["target"]
    assert (autoencoder(caught["t"], x_t, z) - noise).abs().max() < 1e-2


def test_a_few_steps_run_and_lower_both_losses(autoencoder, pictures, tmp_path):
    model = type(autoencoder).create((16, 32))
    plan = Plan(6, rate=1e-3, warmup=1, checkpoint_seconds=1e9)
    losses = Losses(pictures, batch=4, noisy=2)
    first = losses(model, 0, torch.Generator().manual_seed(0))
    *_, last = train(model, losses, plan, tmp_path / "run.pt")
    after = losses(last.average, 0, torch.Generator().manual_seed(0))
    assert after["fine"] < first["fine"]
    assert after["coarse"] < first["coarse"]


def test_more_noisy_pictures_than_the_batch_holds_are_refused(pictures):
    with pytest.raises(ValueError, match="noisy must lie between 1 and batch = 4, but is 5"):
        Losses(pictures, batch=4, noisy=5)
