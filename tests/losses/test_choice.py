import pytest
import torch
from torch.nn import functional as F

from losses.choice import class_index, divergence, excess_surprise


def random_log_p(rows, classes, seed):
    return torch.log_softmax(torch.randn(rows, classes, generator=torch.Generator().manual_seed(seed)).double(), dim=1)


def test_surprise_is_the_cross_entropy_above_the_margin():
    log_p, index = random_log_p(4, 3, 0), torch.tensor([0, 2, 1, 1])
    expected = (F.nll_loss(log_p, index, reduction="none") - 0.5).clamp(min=0)
    assert torch.allclose(excess_surprise(log_p, index, 0.5), expected)


def test_divergence_is_the_sum_of_the_kullback_leibler_divergences():
    start = {"a": random_log_p(1, 3, 1), "b": random_log_p(1, 4, 2)}
    now = {"a": random_log_p(2, 3, 3), "b": random_log_p(2, 4, 4)}
    expected = [
        sum(F.kl_div(now[k][i : i + 1], start[k], log_target=True, reduction="sum") for k in start) for i in (0, 1)
    ]
    assert torch.allclose(divergence(start, now), torch.stack(expected))


@pytest.mark.parametrize(
    ("index", "classes", "message"), [(0, 1, "at least two"), (3, 3, "0 to 2"), ([0, -1], 3, "0 to 2")]
)
def test_an_index_names_one_of_several_alternatives(index, classes, message):
    with pytest.raises(ValueError, match=message):
        class_index(index, classes)
