import math

import pytest
import torch

from studio.runs.measures.round_trip import measure


def test_a_difference_below_half_a_level_is_exact() -> None:
    image = torch.linspace(-1, 1, 48).view(1, 3, 4, 4)
    levels = (((image + 1) * 127.5).round() / 127.5) - 1
    found = measure(levels, levels + 0.4 / 127.5)
    assert (found.largest, found.psnr, found.exact) == (0, math.inf, True)


def test_psnr_of_one_level_everywhere() -> None:
    image = torch.full((1, 3, 4, 4), 0.1 / 127.5)
    found = measure(image, image + 1 / 127.5)
    assert found.largest == 1
    assert found.psnr == pytest.approx(20 * math.log10(255))
    assert not found.exact
