import pytest
import torch

from clay.evaluation.similarity import features, frechet_distance, perceptual_distance, psnr, ssim
from clay.networks.attribute_classifier import AttributeClassifier


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    return AttributeClassifier((8, 8, 16, 128)).eval()


def test_psnr_of_a_constant_error_is_the_formula():
    image = torch.zeros(2, 3, 8, 8)
    assert psnr(image + 0.2, image) == pytest.approx(20.0, abs=1e-3)


def test_structural_similarity_is_1_for_equal_images_and_lower_with_noise():
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    assert ssim(image, image) == pytest.approx(1.0, abs=1e-6)
    assert ssim(image + 0.3 * torch.randn_like(image), image) < 0.9


def test_the_perceptual_distance_is_zero_for_equal_images_and_symmetric(classifier):
    a, b = torch.rand(2, 2, 3, 64, 64) * 2 - 1
    assert perceptual_distance(classifier, a, a) == 0
    assert perceptual_distance(classifier, a, b) == pytest.approx(perceptual_distance(classifier, b, a), rel=1e-5)
    assert perceptual_distance(classifier, a, b) > 0


def test_features_are_one_vector_per_image(classifier):
    assert features(classifier, torch.zeros(3, 3, 64, 64)).shape == (3, 128)


def test_the_frechet_distance_of_two_normal_distributions_is_the_closed_form():
    """Independent coordinates: (m_a - m_b)^2 + (s_a - s_b)^2 for each."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(40_000, 3, generator=generator)
    b = 2 * torch.randn(40_000, 3, generator=generator) + torch.tensor([1.0, 0.0, 0.0])
    assert frechet_distance(a, b) == pytest.approx(1 + 3, rel=0.03)
    assert abs(frechet_distance(a, a)) < 1e-6
