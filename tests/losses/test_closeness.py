import pytest
import torch

from losses import Closeness, FeatureCloseness, StructureCloseness
from losses.closeness import ssim


@pytest.mark.parametrize("kind", [Closeness, StructureCloseness])
def test_the_start_image_has_distance_zero(kind, images):
    assert kind(images)(images).tolist() == pytest.approx([0, 0, 0], abs=1e-6)


def test_is_the_mean_squared_difference(images):
    assert Closeness(images)(images + 0.1).tolist() == pytest.approx([0.01] * 3, rel=1e-4)


@pytest.mark.parametrize("kind", [Closeness, StructureCloseness])
def test_another_size_is_refused(kind, images):
    with pytest.raises(ValueError, match="images of one size"):
        kind(images)(torch.zeros(1, 3, 24, 24))


def test_structural_similarity_is_that_of_scikit_image(images):
    metrics = pytest.importorskip("skimage.metrics", reason="the extra train is not installed")
    other = (0.6 * images + 0.4 * images.flip(0)).double()
    expected = [
        metrics.structural_similarity(
            a.numpy(), b.numpy(), channel_axis=0, data_range=1.0, gaussian_weights=True, sigma=1.5,
            use_sample_covariance=False,
        )
        for a, b in zip((images.double() + 1) / 2, (other + 1) / 2, strict=True)
    ]  # fmt: skip
    assert ssim(images.double(), other).tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.slow
def test_the_gradient_of_structure_is_its_slope(images):
    start = images[:1, :, :13, :14].double()
    x = (0.8 * start + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(StructureCloseness(start), x)


def test_structure_is_more_sensitive_to_edges_than_to_light(images):
    lighter, blurred = images + 0.1, torch.nn.functional.avg_pool2d(images, 3, 1, 1)
    structure = StructureCloseness(images)
    assert (structure(lighter) < 0.2 * structure(blurred)).all()


def test_structure_refuses_images_smaller_than_its_window(images):
    with pytest.raises(ValueError, match="at least; got"):
        StructureCloseness(images[..., :10, :10])


def test_features_are_those_of_the_network(embedder, images):
    cosine = torch.nn.functional.cosine_similarity(embedder.eval()(images[:1]), embedder(images[1:2]))
    closeness = FeatureCloseness(embedder, images[:1])
    assert closeness(images[1:2]).item() == pytest.approx(1 - cosine.item(), abs=1e-5)
    assert closeness(images[:1]).item() == pytest.approx(0, abs=1e-6)
    assert not any(p.requires_grad for p in embedder.parameters())
