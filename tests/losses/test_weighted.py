import pytest

from losses import Closeness, Identity, WeightedSum


def test_is_the_weighted_sum_of_its_terms(embedder, images):
    parts = [(2.0, Identity(embedder, images[:1])), (-0.5, Closeness(images[:1]))]
    loss = WeightedSum(parts)
    terms = loss.terms(images)
    assert list(terms) == ["identity", "closeness"]
    assert (loss(images) - (2 * terms["identity"] - 0.5 * terms["closeness"])).abs().max() < 1e-6


def test_invalid_parts_are_refused(images):
    with pytest.raises(ValueError, match="at least one loss"):
        WeightedSum([])
    with pytest.raises(ValueError, match="different names; got closeness, closeness"):
        WeightedSum([(1, Closeness(images)), (1, Closeness(images))])
    with pytest.raises(ValueError, match="Weights must be finite"):
        WeightedSum([(float("nan"), Closeness(images))])
