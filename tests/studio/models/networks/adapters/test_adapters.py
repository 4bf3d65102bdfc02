from collections.abc import Callable
from pathlib import Path

import diffusers
import pytest
import torch

from studio.models.networks.adapters.labelled import Labelled
from studio.models.networks.adapters.unconditional import Unconditional, prediction

TinyCopy = Callable[[str], Path]
T = torch.tensor([400])


def test_a_learned_variance_is_dropped() -> None:
    x, output = torch.zeros(1, 3, 4, 4), torch.arange(96.0).view(1, 6, 4, 4)
    assert torch.equal(prediction(output, x), output[:, :3])
    assert prediction(output[:, :3], x).shape == x.shape


def test_an_unconditional_network_is_called_as_diffusers_calls_it(tiny_copy: TinyCopy) -> None:
    unet = diffusers.UNet2DModel.from_pretrained(tiny_copy("ddpm-celebahq"))
    x = torch.randn(2, 3, 16, 16)
    t = torch.tensor([400, 400])
    torch.testing.assert_close(Unconditional(unet)(t, x, None), unet(x, 400).sample)


@pytest.mark.parametrize("name", ["dit-imagenet", "a class-conditional UNet"])
def test_a_class_embedding_replaces_its_label(tiny_copy: TinyCopy, name: str) -> None:
    if name == "dit-imagenet":
        network = diffusers.DiTTransformer2DModel.from_pretrained(tiny_copy(name), subfolder="transformer").eval()
        # in the original, all blocks share one table
        tables = [block.norm1.emb.class_embedder.embedding_table for block in network.transformer_blocks]
        for table in tables:
            table.weight.data.copy_(tables[0].weight.data)
        x = torch.randn(1, 4, 8, 8)
        expected = network(x, timestep=T, class_labels=torch.tensor([2])).sample[:, :4]
    else:
        network = diffusers.UNet2DModel.from_pretrained(tiny_copy(name), subfolder="unet").eval()
        x = torch.randn(1, 3, 16, 16)
        expected = network(x, T, class_labels=torch.tensor([2])).sample
    labelled = Labelled(network).eval()
    torch.testing.assert_close(labelled(T, x, labelled.class_embedding(2)), expected)
    assert labelled.has_null_class == (name == "dit-imagenet")
    for wrong in (-2, 99):
        with pytest.raises(ValueError, match="label must be from 0 to"):
            labelled.class_embedding(wrong)


def test_a_network_without_classes_is_refused(tiny_copy: TinyCopy) -> None:
    with pytest.raises(ValueError, match="has no table of classes"):
        Labelled(diffusers.UNet2DModel.from_pretrained(tiny_copy("ddpm-celebahq")))


def test_a_class_conditional_network_needs_a_class(tiny_copy: TinyCopy) -> None:
    network = diffusers.UNet2DModel.from_pretrained(tiny_copy("a class-conditional UNet"), subfolder="unet")
    with pytest.raises(ValueError, match="needs the class's embedding as z"):
        Labelled(network)(T, torch.zeros(1, 3, 16, 16), None)
