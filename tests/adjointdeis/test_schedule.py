import itertools
import math

import pytest

from adjointdeis import Grid, LinearVP


@pytest.mark.parametrize(
    ("level", "steps", "left_out"), [(0.9, 10, 1), (0.9, 20, 2), (0.9, 50, 5), (0.8, 10, 2), (0.3, 10, 7), (1, 10, 0)]
)
def test_cut_leaves_out_the_rounded_share(level, steps, left_out):
    grid = LinearVP().uniform_log_snr(steps)
    assert grid.cut(level).times == grid.times[left_out:]


def test_cut_keeps_at_least_one_step():
    assert LinearVP().uniform_log_snr(5).cut(0.01).steps == 1


@pytest.mark.parametrize("level", [0, -0.1, 1.01])
def test_cut_refuses_levels_out_of_range(level):
    with pytest.raises(ValueError, match=r"noise_level must be in \(0, 1\]"):
        LinearVP().uniform_log_snr(5).cut(level)


def test_log_snr_is_uniform_where_it_is_said_to_be():
    log_snr = LinearVP().uniform_log_snr(8, 1.0, 1e-3).log_snr
    steps = [b - a for a, b in itertools.pairwise(log_snr)]
    assert steps == pytest.approx([steps[0]] * 8)


def test_log_snr_and_rho_at_the_ends_of_the_range():
    grid = Grid((1.0, 0.5, 0.0), (0.0, 0.6, 1.0), (1.0, 0.8, 0.0))
    assert grid.rho == (math.inf, pytest.approx(4 / 3), 0)
    assert grid.log_snr == (-math.inf, pytest.approx(math.log(0.75)), math.inf)


def test_grids_refuse_what_is_not_a_grid():
    with pytest.raises(ValueError, match="one alpha and one sigma a time"):
        Grid((1, 0), (0.5,), (0.5, 0.1))
    with pytest.raises(ValueError, match="at least two nodes"):
        Grid((1,), (0.5,), (0.5,))
    with pytest.raises(ValueError, match=r"node 1 \(t = 1\) and node 2"):
        Grid((2, 1, 0), (0.1, 0.5, 0.5), (0.9, 0.5, 0.5))
