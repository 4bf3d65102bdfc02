import pytest
import torch

from clay.networks.heads import AttributeHeads
from clay.people.attributes import ATTRIBUTES


def test_every_attribute_has_one_logit_a_class():
    logits = AttributeHeads(8)(torch.randn(3, 8))
    assert {name: tuple(v.shape) for name, v in logits.items()} == {k: (3, len(c)) for k, c in ATTRIBUTES.items()}


def test_what_is_saved_comes_back_in_half_precision_and_frozen(tmp_path):
    heads = AttributeHeads(8)
    heads.save_folder(tmp_path)
    again = AttributeHeads.from_folder(tmp_path, "cpu", torch.float32)
    z = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    assert all((again(z)[k] - v).abs().max() < 1e-2 for k, v in heads(z).items())
    assert not again.training
    assert not any(p.requires_grad for p in again.parameters())


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no attribute heads"):
        AttributeHeads.from_folder(tmp_path, "cpu", torch.float32)
