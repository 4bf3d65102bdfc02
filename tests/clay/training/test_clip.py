import pytest
import torch

from clay.networks.clip import MODEL_CONFIG, create_clip
from clay.networks.readout import Readout
from clay.people.attributes import ATTRIBUTES, HIDDEN
from clay.people.dataset import Split
from clay.people.vectors import PERSON_SIZE, VIEW_SIZE
from clay.training import clip
from clay.training.clip import ClipLoss, cross_entropies


@pytest.mark.slow
def test_the_loss_starts_at_chance_and_moves_both_towers(monkeypatch):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_SIZE + VIEW_SIZE)
    images = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    values = ClipLoss(images, 8)(model, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert 1.5 < values["contrastive"] < 3.0
    assert 1.0 < values["classification"] < 2.5
    for name in ("network.visual.conv1.weight", "network.token_embedding.weight", "network.logit_scale", "read.weight"):
        assert model.get_parameter(name).grad.abs().sum() > 0


@pytest.mark.slow
def test_adversarial_images_have_a_higher_loss(monkeypatch):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_SIZE + VIEW_SIZE)
    images = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    plain, adversarial = (ClipLoss(images, 8, push)(model, 0, torch.Generator().manual_seed(0)) for push in (0.0, 10.0))
    assert adversarial["contrastive"] + adversarial["classification"] > plain["contrastive"] + plain["classification"]


@pytest.mark.slow
def test_mixup_is_added_to_the_loss_and_ignores_hidden_attributes(monkeypatch, autoencoder):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_SIZE + VIEW_SIZE)
    images = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    losses = ClipLoss(images, 8, autoencoder=autoencoder)
    plain, mixed = (kind(model, 0, torch.Generator().manual_seed(0)) for kind in (ClipLoss(images, 8), losses))
    assert mixed["contrastive"] == plain["contrastive"]
    assert mixed["loss"] == plain["loss"] + 2 * mixed["mixup"]
    # equal logits of k prompts have a cross-entropy of log k, and 0 where the attribute is hidden
    logits = torch.zeros(8, sum(len(classes) for classes in ATTRIBUTES.values()))
    entropies = cross_entropies(logits, losses.classes[:8])
    for column, classes in enumerate(ATTRIBUTES.values()):
        shown = losses.classes[:8, column] != HIDDEN
        assert torch.allclose(entropies[shown, column], torch.tensor(float(len(classes))).log())
        assert not entropies[~shown, column].any()
