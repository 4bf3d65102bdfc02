import torch

from clay import train_attributes
from clay.attributes import AttributeReader
from clay.data import Split
from clay.train_attributes import AttributeLoss


def test_the_loss_of_a_step_is_finite_and_reaches_every_head(monkeypatch):
    monkeypatch.setattr(train_attributes, "TRAIN", Split("tiny", 0, 4))
    pictures = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    reader = AttributeReader((8, 8, 16, 16))
    values = AttributeLoss(pictures, 16)(reader, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert 0 <= values["hits"] <= 1
    assert all(head.weight.grad.abs().sum() > 0 for head in reader.heads.values())
