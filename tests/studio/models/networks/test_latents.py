import diffusers
import pytest
import torch
from torch import Tensor

from studio.models.networks.latents import Autoencoder, enable_gradient_checkpointing, tiled_decode

BLOCKS = {
    "block_out_channels": (4, 8),
    "norm_num_groups": 4,
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
}


def kl() -> diffusers.AutoencoderKL:
    torch.manual_seed(0)
    return diffusers.AutoencoderKL(**BLOCKS).eval().requires_grad_(False)


def vq() -> diffusers.VQModel:
    torch.manual_seed(0)
    return diffusers.VQModel(latent_channels=3, num_vq_embeddings=8, **BLOCKS).eval().requires_grad_(False)


def deep() -> diffusers.AutoencoderDC:
    torch.manual_seed(0)
    sides = {f"{half}coder_{what}": value for half in ("en", "de") for what, value in (
        ("block_types", ("ResBlock",) * 2), ("block_out_channels", (8, 16)), ("layers_per_block", (1, 1)),
        ("qkv_multiscales", ((), ())),
    )}  # fmt: skip
    return diffusers.AutoencoderDC(latent_channels=4, **sides).eval().requires_grad_(False)


@pytest.mark.parametrize(("make", "channels"), [(kl, 4), (vq, 3), (deep, 4)])
def test_latents_are_scaled_after_encoding_and_before_decoding(make, channels: int) -> None:
    vae, image = make(), torch.rand(1, 3, 16, 16) * 2 - 1
    plain, scaled = Autoencoder(vae, 1.0, 2), Autoencoder(vae, 0.25, 2)
    assert plain.encode(image).shape == (1, channels, 8, 8)
    torch.testing.assert_close(scaled.encode(image), 0.25 * plain.encode(image))
    torch.testing.assert_close(scaled.decode(scaled.encode(image)), plain.decode(plain.encode(image)))


@pytest.mark.parametrize("make", [kl, vq, deep])
def test_gradient_checkpointing_does_not_change_the_gradient(make) -> None:
    gradients = []
    for saving in (False, True):
        vae = make().double()
        if saving:
            enable_gradient_checkpointing(vae)
        space = Autoencoder(vae, 0.5, 2)
        latent = space.encode(torch.linspace(-1, 1, 768, dtype=torch.float64).view(1, 3, 16, 16)).requires_grad_()
        gradients.append(torch.autograd.grad(space.decode(latent).square().sum(), latent)[0])
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def test_the_gradient_of_a_vq_model_is_that_of_its_decoder() -> None:
    """Quantisation has no gradient; without it the gradient equals the finite difference."""
    space = Autoencoder(vq().double(), 1.0, 2)
    latent = torch.randn(
        1, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True
    )
    way = torch.randn(latent.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    slope = (torch.autograd.grad(space.decode(latent).sum(), latent)[0] * way).sum()
    with torch.no_grad():
        ahead, behind = (space.decode(latent + step * way).sum() for step in (1e-5, -1e-5))
    torch.testing.assert_close(slope, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("size", [(12, 12), (9, 14), (5, 16)])
def test_tiles_of_a_local_decoder_give_the_whole_image(size: tuple[int, int]) -> None:
    def decode(latent: Tensor) -> Tensor:  # each pixel becomes 2 x 2 pixels
        return torch.nn.functional.interpolate(latent.tanh(), scale_factor=2, mode="nearest")

    latent = torch.randn(1, 3, *size, dtype=torch.float64, requires_grad=True)
    way = torch.randn(1, 3, 2 * size[0], 2 * size[1], dtype=torch.float64)
    whole, tiles = decode(latent), tiled_decode(decode, latent, 6, 2)
    torch.testing.assert_close(tiles, whole)
    exact, found = (torch.autograd.grad((seen * way).sum(), latent)[0] for seen in (whole, tiles))
    torch.testing.assert_close(found, exact)


def test_tiles_are_used_only_for_larger_latents() -> None:
    vae, latent = kl(), torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(Autoencoder(vae, 1.0, 2, tile=8).decode(latent), Autoencoder(vae, 1.0, 2).decode(latent))
    near = Autoencoder(vae, 1.0, 2, tile=4).decode(latent)
    assert near.shape == (1, 3, 16, 16)
    assert not torch.equal(near, Autoencoder(vae, 1.0, 2).decode(latent))
