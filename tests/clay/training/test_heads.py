import torch

from clay.networks.heads import AttributeHeads
from clay.people.dataset import Split
from clay.training.heads import HeadLoss, codes_of


def test_the_loss_of_a_step_is_finite_and_reaches_every_head():
    heads = AttributeHeads(8)
    codes = torch.randn(32, 8, generator=torch.Generator().manual_seed(0))
    values = HeadLoss(codes, Split("tiny", 0, 4), batch=64)(heads, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert all(head.weight.grad.abs().sum() > 0 for head in heads.heads.values())


def test_codes_are_those_of_the_encoder_in_order(autoencoder):
    images = torch.randint(256, (5, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = autoencoder.encode(images.float() / 127.5 - 1)
    assert (codes_of(images, autoencoder.encoder, batch=2) - expected).abs().max() < 1e-4
