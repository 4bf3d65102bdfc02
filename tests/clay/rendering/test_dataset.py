import numpy as np
import pytest

from clay.people.dataset import Split
from clay.rendering.dataset import load_images, render_split


def test_missing_images_are_refused_with_the_cure(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"1 of 1 files .* render them with `python -m clay.rendering.dataset`"):
        load_images(Split("tiny", 0, 3), tmp_path)


@pytest.mark.slow
def test_only_missing_files_are_rendered(tmp_path):
    split = Split("tiny", 0, 101, views=1)
    assert [count for count, _ in render_split(split, tmp_path)] == [100, 1]
    before = load_images(split, tmp_path)
    (tmp_path / "tiny-00100.npy").unlink()
    assert [count for count, _ in render_split(split, tmp_path)] == [1]
    assert np.array_equal(load_images(split, tmp_path), before)
