import math

import pytest
import torch
from torch.nn import functional as F

from studio.models.networks.diffae.network import DiffusionAutoencoder
from tests.tiny_models.make import tiny_diffae


@pytest.fixture(scope="module")
def network() -> DiffusionAutoencoder:
    torch.manual_seed(0)
    made = tiny_diffae().requires_grad_(False)
    for p in made.parameters():
        if not p.any():
            p.normal_(std=0.1)
    return made


@pytest.mark.slow
def test_the_published_model_has_the_published_names_and_sizes() -> None:
    """As in the authors' checkpoint: rows are numbered, a row's first entry is its block, its second the attention."""
    with torch.device("meta"):
        shapes = {name: tuple(p.shape) for name, p in DiffusionAutoencoder().named_parameters()}
    assert shapes["input_blocks.0.0.weight"] == (128, 3, 3, 3)
    assert shapes["input_blocks.1.0.in_layers.0.weight"] == (128,)
    assert shapes["input_blocks.1.0.emb_layers.1.weight"] == (256, 512)
    assert shapes["input_blocks.1.0.cond_emb_layers.1.weight"] == (128, 512)
    assert shapes["input_blocks.1.0.out_layers.3.weight"] == (128, 128, 3, 3)
    assert shapes["input_blocks.13.0.skip_connection.weight"] == (512, 256, 1, 1)  # 16 pixels: the fifth level
    assert shapes["input_blocks.13.1.qkv.weight"] == (1536, 512, 1)
    assert shapes["middle_block.1.proj_out.weight"] == (512, 512, 1)
    assert shapes["output_blocks.0.0.in_layers.2.weight"] == (512, 1024, 3, 3)
    assert shapes["output_blocks.17.0.in_layers.2.weight"] == (128, 256, 3, 3)
    assert shapes["time_embed.time_embed.0.weight"] == (512, 128)
    assert shapes["encoder.input_blocks.0.0.weight"] == (128, 3, 3, 3)
    assert shapes["encoder.middle_block.1.qkv.weight"] == (1536, 512, 1)
    assert shapes["encoder.out.3.weight"] == (512, 512, 1, 1)
    assert shapes["out.2.weight"] == (3, 128, 3, 3)
    assert "encoder.input_blocks.1.0.emb_layers.1.weight" not in shapes


def test_a_block_equals_its_formula(network: DiffusionAutoencoder) -> None:
    block = network.input_blocks[1][0]
    x, time, z = torch.randn(2, 8, 16, 16), torch.randn(2, 12), torch.randn(2, 10)
    h = block.in_layers[2](F.silu(F.group_norm(x, 8, block.in_layers[0].weight, block.in_layers[0].bias)))
    h = F.group_norm(h, 8, block.out_layers[0].weight, block.out_layers[0].bias)
    s, r = block.emb_layers[1](F.silu(time))[..., None, None].chunk(2, 1)
    b = block.cond_emb_layers[1](F.silu(z))[..., None, None]
    expected = x + block.out_layers[3](F.silu((1 + b) * ((1 + s) * h + r)))
    torch.testing.assert_close(block(x, time, z), expected)


def test_a_downsampling_block_averages_before_its_first_convolution(network: DiffusionAutoencoder) -> None:
    block = network.encoder.input_blocks[3][0]
    x = torch.randn(1, 8, 16, 16)
    h = F.avg_pool2d(F.silu(block.in_layers[0](x)), 2)
    torch.testing.assert_close(block(x, None, None), F.avg_pool2d(x, 2) + block.in_layers[2](h))


def test_time_is_embedded_as_cosines_before_sines(network: DiffusionAutoencoder) -> None:
    embed = network.time_embed
    angles = [500 * math.exp(-math.log(10000) * k / 4) for k in range(4)]
    places = torch.tensor([[*map(math.cos, angles), *map(math.sin, angles)]])
    torch.testing.assert_close(embed(torch.tensor([500])), embed.time_embed(places))


def test_attention_is_the_softmax_over_all_pixels(network: DiffusionAutoencoder) -> None:
    attention = network.middle_block[1]
    x = torch.randn(1, 16, 4, 4)
    q, k, v = attention.qkv(attention.norm(x.flatten(2))).chunk(3, 1)
    weights = torch.softmax(torch.einsum("bct,bcs->bts", q, k) / math.sqrt(16), -1)
    expected = x.flatten(2) + attention.proj_out(torch.einsum("bts,bcs->bct", weights, v))
    torch.testing.assert_close(attention(x).flatten(2), expected)


def test_the_output_depends_on_time_image_and_code(network: DiffusionAutoencoder) -> None:
    x, z = torch.randn(1, 3, 16, 16), network.encode(torch.randn(1, 3, 16, 16))
    assert z.shape == (1, 10)
    base = network(torch.tensor([10]), x, z)
    assert base.shape == x.shape
    for other in (network(torch.tensor([11]), x, z), network(torch.tensor([10]), x, z + 1)):
        assert (other - base).abs().max() > 1e-4


def test_gradient_checkpointing_does_not_change_the_gradient() -> None:
    torch.manual_seed(0)
    network = tiny_diffae().double().requires_grad_(False)
    x, z = torch.randn(1, 3, 16, 16).double(), torch.randn(1, 10).double()
    gradients = []
    for again in (False, True):
        if again:
            network.enable_gradient_checkpointing()
        inputs = (x.clone().requires_grad_(), z.clone().requires_grad_())
        gradients.append(torch.autograd.grad(network(torch.tensor([7]), *inputs).square().sum(), inputs))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-14)
