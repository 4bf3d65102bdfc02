import numpy as np
import torch
import torch.nn.functional as F

from clay.train_identity import LookAlikes, margin_loss


def test_the_loss_is_small_for_separated_people_and_grows_with_the_margin():
    apart = torch.eye(4)[:, None].expand(4, 3, 4)
    together = F.normalize(torch.ones(4, 3, 4) + 0.01 * torch.randn(4, 3, 4), dim=-1)
    assert margin_loss(apart, 0.0)[0] < 1e-3 < margin_loss(apart, 0.9)[0] < margin_loss(together, 0.0)[0]
    assert margin_loss(apart, 0.0)[1] == 1


def test_a_picture_is_not_compared_with_itself():
    """With two pictures a person, opposite ones, the own prototype is the other picture: the worst case."""
    pair = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]], [[0.0, 1.0], [0.0, -1.0]]])
    assert margin_loss(pair, 0.0)[1] == 0


def test_batches_of_look_alikes_hold_different_people_with_equal_hair():
    finder = LookAlikes()
    chosen = finder.pick(40, np.random.default_rng(0))
    assert len(set(chosen)) == 40
    hair = finder.hair[chosen[:32]]
    shared = sum((hair == h).sum() > 1 for h in hair)
    assert shared > 24
