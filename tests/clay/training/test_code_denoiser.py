import torch

from clay.networks.code_denoiser import SIGMA, CodeDenoiser
from clay.training.code_denoiser import CodeDenoiserLoss
from clay.training.loop import Plan, train


def test_training_finds_codes_that_lie_on_a_line(tmp_path):
    """Of codes c (1, -1, 1, -1) the part across the line is noise, which the best linear estimate only halves."""
    torch.manual_seed(0)
    line = torch.tensor([1.0, -1.0, 1.0, -1.0])
    codes = torch.randn(512, 1, generator=torch.Generator().manual_seed(1)) * line
    network = CodeDenoiser(4, 32, 1)
    losses = CodeDenoiserLoss(codes, batch=128)
    plan = Plan(300, rate=3e-3, warmup=10, decay=0.9, checkpoint_seconds=1e9)
    *_, last = train(network, losses, plan, tmp_path / "run.pt")
    noise = SIGMA * torch.randn(codes.shape, generator=torch.Generator().manual_seed(2))
    across = (last.average(codes + noise) - codes) @ torch.tensor([1.0, 1.0, 0.0, 0.0])
    assert across.square().mean() < 0.02 * (noise @ torch.tensor([1.0, 1.0, 0.0, 0.0])).square().mean()


def test_the_loss_is_one_for_the_best_estimate_of_normally_distributed_codes():
    network = CodeDenoiser(16, 8, 1).eval()
    torch.nn.init.zeros_(network.last.weight)
    torch.nn.init.zeros_(network.last.bias)
    codes = torch.randn(4000, 16, generator=torch.Generator().manual_seed(0))
    loss = CodeDenoiserLoss(codes, batch=4000)(network, 0, torch.Generator().manual_seed(1))["loss"]
    assert abs(loss - 1) < 0.02
