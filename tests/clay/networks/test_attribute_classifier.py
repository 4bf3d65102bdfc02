import pytest
import torch

from clay.networks.attribute_classifier import AttributeClassifier
from clay.people.attributes import ATTRIBUTES


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    return AttributeClassifier((8, 8, 16, 16)).eval()


def test_reading_gives_the_most_probable_class_of_each_attribute(classifier):
    image = torch.rand(2, 3, 80, 80) * 2 - 1
    words, probabilities = classifier.read(image), classifier.probabilities(image)
    assert words.keys() == ATTRIBUTES.keys()
    for name, classes in ATTRIBUTES.items():
        assert torch.allclose(probabilities[name].sum(1), torch.ones(2))
        assert words[name] == [classes[i] for i in probabilities[name].argmax(1)]


def test_a_round_trip_over_disk_keeps_the_probabilities(classifier, tmp_path):
    classifier.save_folder(tmp_path)
    loaded = AttributeClassifier.from_folder(tmp_path, "cpu", torch.float32)
    image = torch.rand(4, 3, 64, 64)
    for name, p in classifier.probabilities(image).items():
        assert (loaded.probabilities(image)[name] - p).abs().max() < 1e-2
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no attribute classifier: config.json is missing"):
        AttributeClassifier.from_folder(tmp_path, "cpu", torch.float32)
