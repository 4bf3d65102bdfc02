import pytest
import torch

from clay.networks.attribute_classifier import OTHERS, AttributeClassifier
from clay.people.attributes import PALETTE
from clay.people.dataset import Split
from clay.training import attributes
from clay.training.attributes import AttributeLoss


@pytest.mark.parametrize("attributes_read", [OTHERS, PALETTE])
def test_the_loss_of_a_step_is_finite_and_reaches_every_head(attributes_read, monkeypatch):
    monkeypatch.setattr(attributes, "TRAIN", Split("tiny", 0, 4))
    images = torch.randint(256, (32, 3, 128, 128), dtype=torch.uint8)
    classifier = AttributeClassifier((8, 8, 16, 16), 128, attributes_read)
    values = AttributeLoss(images, 16, halve=True)(classifier, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert values["loss"].isfinite()
    assert 0 <= values["accuracy"] <= 1
    assert all(head.weight.grad.abs().sum() > 0 for head in classifier.heads.values())
