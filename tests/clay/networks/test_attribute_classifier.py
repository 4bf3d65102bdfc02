import pytest
import torch

from clay.networks.attribute_classifier import OTHERS, AttributeClassifier, AttributeReader
from clay.people.attributes import ATTRIBUTES, PALETTE

SMALL = (8, 8, 16, 16)


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    return AttributeClassifier(SMALL).eval()


def test_a_classifier_has_the_attributes_it_was_made_for(classifier):
    image = torch.rand(2, 3, 64, 64)
    assert tuple(classifier(image)) == OTHERS
    assert tuple(AttributeClassifier(SMALL, 128, PALETTE).eval()(image)) == PALETTE
    assert {*OTHERS, *PALETTE} == ATTRIBUTES.keys()


def test_reading_gives_the_most_probable_class_of_each_attribute_of_all_classifiers(classifier):
    reader = AttributeReader(classifier, AttributeClassifier(SMALL, 128, PALETTE).eval())
    image = torch.rand(2, 3, 80, 80) * 2 - 1
    words, probabilities = reader.read(image), reader.probabilities(image)
    assert probabilities["hat"].equal(classifier(image)["hat"].softmax(1))
    assert words.keys() == ATTRIBUTES.keys()
    for name, classes in ATTRIBUTES.items():
        assert torch.allclose(probabilities[name].sum(1), torch.ones(2))
        assert words[name] == [classes[i] for i in probabilities[name].argmax(1)]


@pytest.mark.parametrize("attributes", [OTHERS, PALETTE])
def test_a_round_trip_over_disk_keeps_the_logits(attributes, tmp_path):
    classifier = AttributeClassifier(SMALL, 64, attributes).eval()
    classifier.save_folder(tmp_path)
    loaded = AttributeClassifier.from_folder(tmp_path, "cpu", torch.float32)
    image = torch.rand(4, 3, 64, 64)
    found = loaded(image)
    assert tuple(found) == attributes
    for name, logits in classifier(image).items():
        assert (found[name].softmax(1) - logits.softmax(1)).abs().max() < 1e-2
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no attribute classifier: config.json is missing"):
        AttributeClassifier.from_folder(tmp_path, "cpu", torch.float32)
