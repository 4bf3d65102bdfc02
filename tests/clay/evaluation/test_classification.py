import pytest
import torch

from clay.evaluation.classification import accuracies
from clay.people.attributes import ATTRIBUTES, HIDDEN


def test_accuracy_leaves_out_hidden_attributes():
    truth = torch.zeros(4, len(ATTRIBUTES), dtype=torch.long)
    truth[:, 0] = torch.tensor([0, 1, 1, HIDDEN])
    predicted = {name: torch.tensor([0, 1, 0, 0]) for name in ATTRIBUTES}
    measured = accuracies(predicted, truth)["hair_colour"]
    assert measured["accuracy"] == pytest.approx(2 / 3)
    assert measured["commonest"] == pytest.approx(2 / 3)
