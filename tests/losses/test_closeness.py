import pytest
import torch

from losses import Closeness


def test_is_the_mean_squared_difference(images):
    assert Closeness(images)(images).tolist() == [0, 0, 0]
    assert Closeness(images)(images + 0.1).tolist() == pytest.approx([0.01] * 3, rel=1e-4)


def test_another_size_is_refused(images):
    with pytest.raises(ValueError, match="images of one size"):
        Closeness(images)(torch.zeros(1, 3, 8, 8))
