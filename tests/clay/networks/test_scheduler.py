import torch

from clay.networks.autoencoder import DiffusionAutoencoder
from clay.networks.scheduler import load_scheduler, make_scheduler


def test_betas_are_linear_over_1000_steps():
    betas = torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float32)
    assert torch.allclose(make_scheduler().alphas_cumprod, torch.cumprod(1 - betas, 0))


def test_at_128_pixels_the_last_time_is_lower():
    last = []
    for spacing in ("linspace", "leading"):
        scheduler = make_scheduler(spacing)
        scheduler.set_timesteps(2)
        last.append(scheduler.timesteps.tolist())
    assert last == [[999, 500], [666, 333]]
    assert DiffusionAutoencoder.create_128().scheduler.config["timestep_spacing"] == "leading"


def test_a_round_trip_over_disk_keeps_the_grid(tmp_path):
    made = make_scheduler()
    made.save_pretrained(tmp_path / "scheduler")
    loaded = load_scheduler(tmp_path)
    for scheduler in (made, loaded):
        scheduler.set_timesteps(10)
    assert torch.equal(made.timesteps, loaded.timesteps)
    assert loaded.timesteps[0] == 999
    assert loaded.config["prediction_type"] == "epsilon"
