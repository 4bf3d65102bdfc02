import numpy as np
import pytest
import torch
import torch.nn.functional as F

from clay.networks.backbones import KINDS
from clay.networks.identity import IdentityEmbedder
from clay.networks.readout import Readout
from clay.people.dataset import Split
from clay.people.vectors import PERSON_SIZE
from clay.training import identity
from clay.training.identity import IdentityLoss, LookAlikes, margin_loss, similarity_loss
from clay.training.loop import Plan


def test_the_loss_is_small_for_separated_people_and_grows_with_the_margin():
    apart = torch.eye(4)[:, None].expand(4, 3, 4)
    together = F.normalize(torch.ones(4, 3, 4) + 0.01 * torch.randn(4, 3, 4), dim=-1)
    assert margin_loss(apart, 0.0)[0] < 1e-3 < margin_loss(apart, 0.9)[0] < margin_loss(together, 0.0)[0]
    assert margin_loss(apart, 0.0)[1] == 1


def test_an_image_is_not_compared_with_itself():
    """With two images a person, opposite ones, the own prototype is the other picture: the worst case."""
    pair = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]], [[0.0, 1.0], [0.0, -1.0]]])
    assert margin_loss(pair, 0.0)[1] == 0


def test_the_similarity_loss_is_zero_if_embeddings_are_as_similar_as_people():
    people = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    turn = torch.linalg.qr(torch.randn(10, 10, generator=torch.Generator().manual_seed(1)))[0]
    assert similarity_loss(F.normalize(people @ turn), 3 * people) < 1e-12
    assert similarity_loss(F.normalize(people.roll(1, 0)), people) > 0.05


@pytest.mark.slow
def test_groups_of_similar_people_hold_different_people_with_equal_hair():
    finder = LookAlikes()
    chosen = finder.pick(40, np.random.default_rng(0))
    assert len(set(chosen)) == 40
    hair = finder.hair[chosen[:32]]
    shared = sum((hair == h).sum() > 1 for h in hair)
    assert shared > 24


def test_a_step_reaches_every_kind_of_embedder_and_its_readout(monkeypatch):
    monkeypatch.setattr(identity, "TRAIN", Split("tiny", 0, 4))
    images = torch.randint(256, (32, 3, 64, 64), dtype=torch.uint8)
    for kind in KINDS:
        torch.manual_seed(0)
        network = Readout(IdentityEmbedder((8, 8, 16, 16), kind=kind), 128, PERSON_SIZE)
        losses = IdentityLoss(images, Plan(4, 1e-3), people=4)
        values = losses(network, 0, torch.Generator().manual_seed(0))
        values["loss"].backward()
        assert values["loss"].isfinite()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters()), kind
