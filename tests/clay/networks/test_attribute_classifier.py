import pytest
import torch

from clay.networks.attribute_reader import AttributeReader
from clay.people.attributes import ATTRIBUTES, HIDDEN, true_classes
from clay.people.circumstances import Circumstances
from clay.people.traits import Person


def named(person, seen):
    classes = dict(zip(ATTRIBUTES, true_classes(person, seen), strict=True))
    return {name: None if i == HIDDEN else ATTRIBUTES[name][i] for name, i in classes.items()}


def test_true_classes_name_what_was_rendered():
    truth = named(Person(hair_colour="red", facial_hair="beard", skin=4), Circumstances(glasses="sunglasses"))
    assert truth["hair_colour"] == "red"
    assert truth["facial_hair"] == "beard"
    assert truth["skin_tone"] == "dark"
    assert truth["glasses"] == "sunglasses"
    assert truth["hat"] == "no hat"


def test_what_cannot_be_seen_has_no_class():
    assert named(Person(hair_style="bald"), Circumstances())["hair_colour"] is None
    assert named(Person(), Circumstances(hat=True))["hair_style"] is None


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    return AttributeReader((8, 8, 16, 16)).eval()


def test_reading_gives_the_likeliest_class_of_each_attribute(reader):
    image = torch.rand(2, 3, 80, 80) * 2 - 1
    words, probabilities = reader.read(image), reader.probabilities(image)
    assert words.keys() == ATTRIBUTES.keys()
    for name, classes in ATTRIBUTES.items():
        assert torch.allclose(probabilities[name].sum(1), torch.ones(2))
        assert words[name] == [classes[i] for i in probabilities[name].argmax(1)]


def test_a_round_trip_over_disk_keeps_what_is_read(reader, tmp_path):
    reader.save_folder(tmp_path)
    loaded = AttributeReader.from_folder(tmp_path, "cpu", torch.float32)
    image = torch.rand(4, 3, 64, 64)
    for name, p in reader.probabilities(image).items():
        assert (loaded.probabilities(image)[name] - p).abs().max() < 1e-2
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no attribute reader: config.json is missing"):
        AttributeReader.from_folder(tmp_path, "cpu", torch.float32)
