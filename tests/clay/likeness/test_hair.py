import pytest
import torch

from clay.likeness.frame import HALF
from clay.likeness.hair import hair_extent, style_likelihood
from clay.people.person import HAIR_STYLES
from clay.people.view import SEGMENTS


def hair(low, thick=0.8, apart=None):
    """A cap of hair of this height, with strands beside the face down to v = low."""
    steps = torch.linspace(-HALF, HALF, 97)[1::2]
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    beside = (u.abs() > 0.9) & (u.abs() < 1.3) & (v > -1.2) & (v < low)
    above = (u.abs() < 1.3) & (v > -1.7) & (v < -1.7 + thick)
    if apart is not None:
        beside |= (u.abs() > 0.9) & (v > apart)
    out = torch.zeros(1, len(SEGMENTS), 48, 48)
    out[:, SEGMENTS.index("hair")] = (beside | above).float()
    return out


def style(segments):
    return HAIR_STYLES[int(style_likelihood(hair_extent(segments)[0]).argmax())]


def test_the_extent_is_the_lower_end_and_the_height():
    far, near, thick = hair_extent(hair(1.0))[0].tolist()
    assert abs(far - 1.0) < 0.15
    assert abs(near - 1.0) < 0.15
    assert abs(thick - 0.8) < 0.1


def test_hair_apart_from_the_head_does_not_count():
    assert float(hair_extent(hair(0.0, apart=1.2))[0, 0]) < 0.3


def test_length_and_height_tell_long_short_and_bald_heads():
    assert style(hair(2.2)) == "long"
    assert style(hair(1.0, thick=1.0)) == "bob"
    assert style(hair(0.2)) in {"short", "bun"}
    assert style(torch.zeros(1, len(SEGMENTS), 48, 48)) == "bald"


def test_hair_that_the_edge_of_the_photograph_cuts_has_an_average_height():
    inside = torch.ones(1, 1, 48, 48)
    inside[:, :, :14] = 0  # above v = -0.9
    assert float(hair_extent(hair(0.2, thick=0.2), inside)[0, 2]) == pytest.approx(0.8)
    assert float(hair_extent(hair(0.2, thick=0.2), torch.ones(1, 1, 48, 48))[0, 2]) < 0.4
