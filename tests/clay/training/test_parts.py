import torch

from clay.networks.part_segmenter import PartSegmenter
from clay.people.parts import PARTS
from clay.training.parts import PartLoss


def test_the_loss_is_lower_for_a_network_that_was_trained_a_little():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (4, 3, 64, 64), dtype=torch.uint8)
    parts = (images[:, 0] // 86).to(torch.uint8)
    assert parts.max() < len(PARTS)
    network, losses = PartSegmenter((8, 16, 16)), PartLoss(images, parts, 4)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    values = []
    for step in range(12):
        found = losses(network, step, generator)
        optimizer.zero_grad()
        found["loss"].backward()
        optimizer.step()
        values.append(found["loss"].item())
    assert values[-1] < 0.8 * values[0]
