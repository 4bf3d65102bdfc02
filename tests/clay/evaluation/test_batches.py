import torch

from clay.evaluation.batches import in_batches
from clay.networks.images import to_unit


def test_batches_give_the_same_result():
    images = torch.randint(256, (230, 3, 2, 2), dtype=torch.uint8)
    assert torch.equal(in_batches(lambda image: image.mean((1, 2)), images), to_unit(images).mean((1, 2)))
