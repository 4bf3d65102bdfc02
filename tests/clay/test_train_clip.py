import torch

from clay import train_clip
from clay.clip import MODEL_CONFIG, create_clip
from clay.data import Split
from clay.numbers import PERSON_NUMBERS, VIEW_NUMBERS, Readout
from clay.train_clip import ClipLoss


def test_the_loss_starts_at_chance_and_moves_both_towers(monkeypatch):
    monkeypatch.setattr(train_clip, "TRAIN", Split("tiny", 0, 4))
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
    monkeypatch.setattr(train_clip, "TRAIN", Split("tiny", 0, 4))
    torch.manual_seed(0)
    model = Readout(create_clip(), MODEL_CONFIG["embed_dim"], PERSON_NUMBERS + VIEW_NUMBERS)
    pictures = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    plain, harder = (ClipLoss(pictures, 8, push)(model, 0, torch.Generator().manual_seed(0)) for push in (0.0, 10.0))
    assert harder["contrast"] + harder["matched"] > plain["contrast"] + plain["matched"]
