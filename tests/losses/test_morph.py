import torch

from losses import Identity, Morph


def test_it_is_equation_5_1(embedder, images):
    loss = Morph(embedder, images[:1], images[1:2])
    d_a, d_b = Identity(embedder, images[:1])(images), Identity(embedder, images[1:2])(images)
    assert (loss(images) - (d_a + d_b + (d_a - d_b).abs())).abs().max() < 1e-6
    assert (loss(images) - 2 * torch.maximum(d_a, d_b)).abs().max() < 1e-6


def test_it_is_symmetric_in_the_two_people(embedder, images):
    forth, back = Morph(embedder, images[:1], images[1:2]), Morph(embedder, images[1:2], images[:1])
    assert (forth(images) - back(images)).abs().max() < 1e-6
