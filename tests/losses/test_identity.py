import pytest
import torch

from losses import Identity


def test_the_reference_has_distance_zero(embedder, images):
    loss = Identity(embedder, images[:1])
    assert loss(images[:1]).item() == pytest.approx(0, abs=1e-6)
    assert (loss(images[1:]) > 0).all()


def test_the_embedding_need_not_have_length_one(images):
    def embed(image):
        return 7.0 * image.flatten(1)[:, :5]

    cosine = torch.nn.functional.cosine_similarity(images[1:2].flatten(1)[:, :5], images[:1].flatten(1)[:, :5])
    assert Identity(embed, images[:1])(images[1:2]).item() == pytest.approx(1 - cosine.item(), abs=1e-6)


def test_references_may_differ_from_image_to_image(embedder, images):
    together = Identity(embedder, images.flip(0))(images)
    alone = [Identity(embedder, r[None])(i[None]).item() for i, r in zip(images, images.flip(0), strict=True)]
    assert together.tolist() == pytest.approx(alone, abs=1e-6)
