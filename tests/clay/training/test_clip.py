import torch

from clay.networks.clip import MODEL_CONFIG, create_clip
from clay.people.attributes import ATTRIBUTES, HIDDEN
from clay.people.dataset import Split
from clay.people.numbers import PERSON_NUMBERS, VIEW_NUMBERS, Readout
from clay.training import clip
from clay.training.clip import ClipLoss, between


def test_the_loss_starts_at_chance_and_moves_both_towers(monkeypatch):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    pictures = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    values = ClipLoss(pictures, 8)(model, 0, torch.Generator().manual_seed(0))
    values["loss"].backward()
    assert 1.5 < values["contrast"] < 3.0
    assert 1.0 < values["matched"] < 2.5
    for name in ("network.visual.conv1.weight", "network.token_embedding.weight", "network.logit_scale", "read.weight"):
        assert model.get_parameter(name).grad.abs().sum() > 0


def test_pushed_pictures_are_harder(monkeypatch):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    pictures = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    plain, harder = (ClipLoss(pictures, 8, push)(model, 0, torch.Generator().manual_seed(0)) for push in (0.0, 10.0))
    assert harder["contrast"] + harder["matched"] > plain["contrast"] + plain["matched"]


def test_mixed_pictures_go_from_one_to_the_other(autoencoder):
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 3, 3, 64, 64, generator=generator) * 2 - 1
    ends = [between(autoencoder, first, second, torch.full((3, 1), w)) for w in (0.0, 1.0)]
    assert (ends[0] - first).abs().max() < 1e-5
    assert (ends[1] - second).abs().max() < 1e-5
    w = torch.tensor([[0.0], [0.5], [1.0]])
    mixed = between(autoencoder, first, second, w)
    assert (mixed[0] - first[0]).abs().max() < 1e-5
    codes = [autoencoder.encode(x[1:2]) for x in (first, second)]
    coarse = [autoencoder.decoder(z).mean for z in (*codes, (codes[0] + codes[1]) / 2)]
    expected = (first[1] + second[1]) / 2 + coarse[2] - (coarse[0] + coarse[1]) / 2
    assert (mixed[1] - expected.clamp(-1, 1)).abs().max() < 1e-5


def test_mixed_pictures_are_both_of_their_classes(monkeypatch, autoencoder):
    monkeypatch.setattr(clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    pictures = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    losses = ClipLoss(pictures, 8, codes=autoencoder)
    plain, mixed = (kind(model, 0, torch.Generator().manual_seed(0)) for kind in (ClipLoss(pictures, 8), losses))
    assert mixed["contrast"] == plain["contrast"]
    assert mixed["loss"] == plain["loss"] + 2 * mixed["between"]
    # among k prompts that are all the same to it, a network is surprised by log k, but where nothing is to be seen
    logits = torch.zeros(8, sum(len(classes) for classes in ATTRIBUTES.values()))
    surprise = losses._surprise(logits, losses.classes[:8])
    for column, classes in enumerate(ATTRIBUTES.values()):
        shown = losses.classes[:8, column] != HIDDEN
        assert torch.allclose(surprise[shown, column], torch.tensor(float(len(classes))).log())
        assert not surprise[~shown, column].any()
