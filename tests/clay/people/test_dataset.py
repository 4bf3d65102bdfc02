import numpy as np
import pytest

from clay.people.dataset import SPLITS, Split, person, scene
from clay.rendering.dataset import load_pictures


def test_no_identity_is_in_two_splits():
    owners = [set(split.owners().tolist()) for split in SPLITS]
    assert sum(map(len, owners)) == len(set.union(*owners))


def test_views_of_a_person_share_the_person_and_nothing_else():
    (first, seen), (second, other) = scene(5, 0), scene(5, 1)
    assert first == second == person(5)
    assert seen != other
    assert scene(6, 0)[1] != seen


def test_scenes_are_listed_in_the_order_of_their_owners():
    split = Split("tiny", 7, 3, views=2)
    assert split.owners().tolist() == [7, 7, 8, 8, 9, 9]
    assert [p for p, _ in split.scenes()] == [person(i) for i in split.owners()]
    assert len(split) == 6


def test_missing_pictures_are_refused_with_the_cure(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"1 of 1 files .* render them with `python -m clay.rendering.dataset`"):
        load_pictures(Split("tiny", 0, 3), tmp_path)


@pytest.mark.slow
def test_rendering_goes_on_where_it_stopped(tmp_path):
    from clay.rendering.dataset import render_split

    split = Split("tiny", 0, 101, views=1)
    assert [count for count, _ in render_split(split, tmp_path)] == [100, 1]
    before = load_pictures(split, tmp_path)
    (tmp_path / "tiny-00100.npy").unlink()
    assert [count for count, _ in render_split(split, tmp_path)] == [1]
    assert np.array_equal(load_pictures(split, tmp_path), before)
