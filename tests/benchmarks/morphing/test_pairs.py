import torch

from benchmarks.morphing.pairs import look_alikes, other_picture, passport


def test_the_most_similar_pairs_come_first_and_nobody_is_in_too_many():
    similar = torch.tensor([[1.0, 0.5, 0.4, 0.1], [0, 1.0, 0.3, 0.2], [0, 0, 1.0, 0.0], [0, 0, 0, 1.0]])
    cosines = similar.triu() + similar.triu(1).T
    limits = {"loss": 0.9}
    assert [pair[:2] for pair in look_alikes({"loss": cosines}, limits, 3, uses=2)] == [(0, 1), (0, 2), (1, 2)]
    assert [pair[:2] for pair in look_alikes({"loss": cosines}, limits, 3, uses=1)] == [(0, 1), (2, 3)]
    assert [pair[:2] for pair in look_alikes({"loss": cosines}, limits, 1)] == [(0, 1)]


def test_a_pair_that_any_network_accepts_as_one_person_is_left_out():
    loss = torch.tensor([[1.0, 0.8, 0.2], [0.8, 1.0, 0.1], [0.2, 0.1, 1.0]])
    convolutional = torch.tensor([[1.0, 0.0, 0.7], [0.0, 1.0, 0.0], [0.7, 0.0, 1.0]])
    chosen = look_alikes({"loss": loss, "convolutional": convolutional}, {"loss": 0.75, "convolutional": 0.6}, 3)
    assert [pair[:2] for pair in chosen] == [(1, 2)]  # the loss accepts 0-1 as one person, the convolutional one 0-2
    assert abs(chosen[0][2] - 0.1) < 1e-6


def test_the_other_view_differs_slightly_and_is_fixed():
    first, second = passport(), other_picture(7)
    assert second == other_picture(7) != other_picture(8)
    assert second != first
    assert (second.expression, second.glasses, second.hat) == ("neutral", "none", False)
    assert second.background == first.background == "white"
    assert all(abs(angle) <= 0.12 for angle in (second.yaw, second.pitch, second.roll))
