import hashlib

import pytest
from PIL import Image

from clay.people.dataset import TEST
from clay.rendering.examples import _FOLDER, EXAMPLES, PAIR


def test_the_examples_are_six_and_two_different_test_people():
    numbers = [number for _, number, _ in EXAMPLES + PAIR]
    assert len(set(numbers)) == 8
    assert all(0 <= number < TEST.identities for number in numbers)


@pytest.mark.parametrize("name", [name for name, _, _ in EXAMPLES + PAIR])
def test_every_example_is_there_at_its_size(name):
    with Image.open(_FOLDER / f"{name}.png") as picture:
        assert picture.size == (256, 256)
        assert picture.mode == "RGB"


def test_no_two_examples_are_the_same_file():
    assert len({hashlib.sha256(path.read_bytes()).digest() for path in _FOLDER.rglob("*.png")}) == 8
