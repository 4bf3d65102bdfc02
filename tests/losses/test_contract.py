import copy

import pytest
import torch

from losses import Augmented, ClipDirectional, ClipImage, ClipText, Closeness, Identity, Morph, WeightedSum
from losses.contract import check_image, cosine_distance, freeze, unit


@pytest.fixture
def every_loss(clip, tokenizer, embedder, images):
    start, other = images[:1].flip(-1), images[1:2].flip(-2)
    text = ClipText(clip, tokenizer, "a face with red hair")
    return {
        "text": text,
        "reference": ClipImage(clip, tokenizer, other),
        "direction": ClipDirectional(clip, tokenizer, "a face", "a smiling face", start),
        "identity": Identity(embedder, other),
        "morph": Morph(embedder, start, other),
        "closeness": Closeness(start),
        "weighted": WeightedSum([(1.0, text), (0.5, Closeness(start))]),
        "augmented": Augmented(text),
    }


def test_every_loss_gives_one_finite_value_per_image_independent_of_the_batch(every_loss, images):
    for name, loss in every_loss.items():
        values = loss(images)
        assert values.shape == (3,), name
        assert values.isfinite().all(), name
        alone = torch.cat([loss(image[None]) for image in images])
        assert (values - alone).abs().max() < 1e-5, name


def test_pixels_get_a_gradient_and_networks_do_not(every_loss, images, clip, embedder):
    for name, loss in every_loss.items():
        image = images.clone().requires_grad_()
        loss(image).sum().backward()
        assert image.grad.isfinite().all(), name
        assert (image.grad != 0).float().mean() > 0.5, name
    for network in (clip, embedder):
        assert not network.training
        assert not any(module.training for module in network.modules())
        assert all(p.grad is None and not p.requires_grad for p in network.parameters())


def test_gradients_equal_finite_differences(embedder, clip, tokenizer, images):
    """Along a random direction, in float64."""
    direction = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(3))
    embedder, start, other = embedder.double(), images[:1].double(), images[1:2].double()
    losses = {
        "identity": Identity(embedder, other),
        "morph": Morph(embedder, start, other),
        "closeness": Closeness(start),
        "text": Augmented(ClipText(copy.deepcopy(clip).double(), tokenizer, "a face with red hair")),
    }
    for name, loss in losses.items():
        image = images[2:].double().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(image).sum(), image)
        step = 1e-5 * direction.double()
        with torch.no_grad():
            numeric = (loss(image + step) - loss(image - step)).item() / 2e-5
        assert (gradient * direction).sum().item() == pytest.approx(numeric, rel=1e-4), name


def test_values_keep_the_images_dtype(every_loss, images):
    for name, loss in every_loss.items():
        assert loss(images.double()).dtype == torch.float64, name


def test_images_of_another_shape_are_refused(every_loss):
    with pytest.raises(ValueError, match=r"shape \(b, 3, h, w\)"):
        check_image(torch.zeros(3, 8, 8))
    with pytest.raises(ValueError, match=r"got torch\.uint8"):
        every_loss["identity"](torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_freezing_reaches_every_layer(embedder):
    assert freeze(embedder.train()) is embedder
    assert not embedder.norm.training
    assert not embedder.mix.requires_grad


def test_cosine_distance_lies_between_zero_and_two():
    a = unit(torch.tensor([[3.0, 4.0]]))
    assert cosine_distance(a, a).item() == pytest.approx(0, abs=1e-6)
    assert cosine_distance(a, -a).item() == pytest.approx(2)
