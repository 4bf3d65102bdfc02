import pytest
import torch

from clay.likeness.frame import SIZE
from clay.likeness.network import READ, FaceParser
from clay.people.attributes import ATTRIBUTES
from clay.people.view import SEGMENTS


def test_the_outputs_have_the_stated_shapes_and_survive_the_disk(tmp_path):
    parser = FaceParser((8, 8, 16, 16)).eval()
    crop = torch.rand(2, 3, SIZE, SIZE) * 2 - 1
    found = parser(crop)
    assert found.segments.shape == (2, len(SEGMENTS), 48, 48)
    assert {name: logits.shape[1] for name, logits in found.attributes.items()} == {
        name: len(ATTRIBUTES[name]) for name in READ
    }
    assert found.angles.shape == (2, 2)
    parser.save_folder(tmp_path)
    again = FaceParser.from_folder(tmp_path)(crop)
    assert torch.allclose(again.segments, found.segments, atol=0.05)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no face parser"):
        FaceParser.from_folder(tmp_path)
