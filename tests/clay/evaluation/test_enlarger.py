import pytest
import torch

from clay.evaluation.enlarger import accuracy_table, lanczos, measure
from clay.networks.enlarger import Enlarger


def test_methods_are_compared_with_the_large_images():
    torch.manual_seed(0)
    large = torch.rand(2, 3, 8, 8).repeat_interleave(8, -1).repeat_interleave(8, -2) * 2 - 1
    small = large[..., ::4, ::4]
    found = measure(Enlarger(8, 1), small, large)
    assert list(found) == ["network", "bicubic", "Lanczos"]
    assert found["network"] == pytest.approx(found["bicubic"], rel=1e-4)  # before training
    assert all(5 < decibels < 40 and 0 < similarity < 1 for decibels, similarity in found.values())
    row = accuracy_table({"renders": found}).splitlines()[2]
    assert row.startswith(f"| renders | {found['network'][0]:.1f} dB, {found['network'][1]:.3f} |")


def test_lanczos_keeps_a_plain_colour():
    grey = torch.full((1, 3, 8, 8), 0.2)
    assert (lanczos(grey) - 0.2).abs().max() < 1 / 127
    assert lanczos(grey).shape == (1, 3, 32, 32)
