import pytest

from benchmarks.intervals import share, wilson


def test_the_interval_solves_its_equation():
    hits, n, z = 46, 48, 1.959964
    for bound in wilson(hits, n):
        assert (hits / n - bound) ** 2 == pytest.approx(z**2 * bound * (1 - bound) / n, rel=1e-6)


def test_all_and_none_have_an_interval_on_one_side():
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(0, 10)[0] == pytest.approx(0.0, abs=1e-12)
    assert wilson(0, 10)[1] == pytest.approx(1 - wilson(10, 10)[0])


def test_a_share_is_written_with_its_interval():
    assert share(46, 48) == "46 of 48, 96 % (86 to 99)"


@pytest.mark.parametrize("counts", [(1, 0), (3, 2), (-1, 2)])
def test_counts_out_of_range_are_refused(counts):
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        wilson(*counts)
