import pytest

from losses import SharedEmbedding, Together, WeightedSum


class Power:
    def __init__(self, exponent):
        self.name, self.exponent = f"power {exponent}", exponent

    def of(self, embedding):
        return embedding.pow(self.exponent).sum(dim=1)


class Mean:
    name = "mean"

    def __call__(self, image):
        return image.mean(dim=(1, 2, 3))


def test_the_embedding_is_computed_once_and_the_terms_are_weighted(images):
    calls = []

    def embed(image):
        calls.append(image)
        return image.flatten(1)[:, :4]

    shared = SharedEmbedding(embed, [(2.0, Power(1)), (3.0, Power(2))])
    v = images.flatten(1)[:, :4]
    assert shared(images).tolist() == pytest.approx((2 * v.sum(1) + 3 * v.square().sum(1)).tolist(), abs=1e-5)
    assert len(calls) == 1


def test_a_sum_lists_the_terms_of_its_parts_with_the_products_of_the_weights(images):
    shared = SharedEmbedding(lambda image: image.flatten(1)[:, :4], [(2.0, Power(1)), (3.0, Power(2))])
    total = WeightedSum([(0.5, shared), (4.0, Mean())])
    assert total.weights == {"power 1": 1.0, "power 2": 1.5, "mean": 4.0}
    terms = total.terms(images)
    assert list(terms) == list(total.weights)
    assert total(images).tolist() == pytest.approx((0.5 * shared(images) + 4 * Mean()(images)).tolist(), abs=1e-5)
    with pytest.raises(ValueError, match="different names"):
        WeightedSum([(1.0, shared), (1.0, total)])


def test_there_is_at_least_one_part():
    with pytest.raises(ValueError, match="at least one"):
        SharedEmbedding(lambda image: image, [])


def test_losses_of_one_name_are_one_term_together(images):
    v = images.flatten(1)[:, :4]
    both = Together([Power(1), Power(1)], "twice")
    shared = SharedEmbedding(lambda image: image.flatten(1)[:, :4], [(1.0, Power(1)), (0.5, both)])
    assert shared.weights == {"power 1": 1.0, "twice": 0.5}
    assert shared(images).tolist() == pytest.approx((2 * v.sum(1)).tolist(), abs=1e-5)
    with pytest.raises(ValueError, match="give at least one"):
        Together([], "none")
