import pytest
import torch
from torch import nn

from clay.training.loop import Plan, generator_for, train


def losses(network, step, generator):
    x = torch.randn(16, 4, generator=generator)
    return {"loss": (network(x) - x.sum(1, keepdim=True)).square().mean()}


def fresh():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.SiLU(), nn.Linear(8, 1))


def plan(steps=60, **changes):
    return Plan(steps, rate=1e-2, warmup=5, checkpoint_seconds=1e9, **changes)


def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    whole = [m.average for m in train(fresh(), losses, plan(), tmp_path / "whole.pt")][-1]

    def broken(network, step, generator):
        if step == 31:
            raise KeyboardInterrupt
        return losses(network, step, generator)

    often = Plan(60, rate=1e-2, warmup=5, checkpoint_seconds=0.0)
    with pytest.raises(KeyboardInterrupt):
        list(train(fresh(), broken, often, tmp_path / "parts.pt"))
    resumed = [m.average for m in train(fresh(), losses, plan(), tmp_path / "parts.pt")][-1]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_training_lowers_the_loss_and_reports_the_remaining_time(tmp_path):
    progress = list(train(fresh(), losses, plan(100), tmp_path / "run.pt"))
    assert [m.step for m in progress] == [50, 100]
    assert [m.saved for m in progress] == [False, True]
    assert "min left" in progress[0].line
    assert losses(progress[-1].average, 0, generator_for(1, 0))["loss"] < 1.0


def test_the_rate_warms_up_and_falls_to_two_per_cent():
    schedule = Plan(1000, rate=1.0, warmup=10)
    assert schedule.rate_at(0) == pytest.approx(0.1)
    assert schedule.rate_at(9) == pytest.approx(1.0, abs=1e-3)
    assert schedule.rate_at(1000) == pytest.approx(0.02)


def test_generators_differ_between_steps_and_seeds():
    draws = {torch.rand((), generator=generator_for(*key)).item() for key in ((0, 1), (0, 2), (1, 1))}
    assert len(draws) == 3
