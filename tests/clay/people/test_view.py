import numpy as np
import pytest

from clay.people.view import EXPRESSIONS, GLASSES, View, sample_view


def test_hats_glasses_and_every_expression_are_frequent():
    rng = np.random.default_rng(0)
    views = [sample_view(rng) for _ in range(1000)]
    assert 150 < sum(v.hat for v in views) < 300
    assert min(sum(v.glasses == kind for v in views) for kind in GLASSES) > 120
    assert min(sum(v.expression == kind for v in views) for kind in EXPRESSIONS) > 120
    assert max(abs(v.yaw) for v in views) <= 0.6


def test_an_unknown_expression_is_refused():
    with pytest.raises(ValueError, match="expression must be one of neutral"):
        View(expression="bored")
