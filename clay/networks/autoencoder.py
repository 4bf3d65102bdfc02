"""The embedded diffusion autoencoder: image -> z, and a noise-predicting network conditioned on z.

Preechakul et al., "Diffusion Autoencoders" (2022, arXiv 2111.15640), with the preconditioning of Karras et
al. (2022, arXiv 2206.00364, section 5) around a coarse decoding m(z) with a spread s(z) at each pixel:

    sigma_t = sqrt(1 - a_t) / sqrt(a_t),   a_t = alphas_cumprod[t],   v = sigma_t^2 + s(z)^2
    r       = x_t / sqrt(a_t) - m(z)
    x0_hat  = m(z) + (s^2 / v) r + (s sigma_t / sqrt(v)) F(r / sqrt(v), t, z)
    eps     = (x_t - sqrt(a_t) x0_hat) / sqrt(1 - a_t) = (sigma_t r / sqrt(v) - s F) / sqrt(v)

With F = 0, x0_hat is the posterior mean if image - m(z) is normal with standard deviation s(z), independent between
pixels. So samples depend on z, and plain regions are clean, even with a weak F.
"""

import json
from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from diffusers import DPMSolverMultistepScheduler, UNet2DModel
from torch import Tensor, nn

from clay.networks.encoder_decoder import Decoded, Decoder, Encoder, OutputHead
from clay.networks.scheduler import load_scheduler, make_scheduler

_INDEX = "model_index.json"


class DiffusionAutoencoder(nn.Module):
    """eps(t, x_t, z), and the encoder image -> z. All parts are diffusers models.

    Args:
        unet: F, a UNet2DModel on folded images (`encoder_decoder`); the decoder's embedding is its class embedding.
        encoder: image -> z.
        decoder: z -> m(z), feature maps and embedding.
        scheduler: the noise schedule, `alphas_cumprod`.
        head: adds details at half the image's resolution, or None.
    """

    alphas_cumprod: Tensor

    def __init__(
        self,
        unet: UNet2DModel,
        encoder: Encoder,
        decoder: Decoder,
        scheduler: DPMSolverMultistepScheduler,
        head: OutputHead | None = None,
    ) -> None:
        super().__init__()
        # Any: the annotations of diffusers' classes do not include __call__.
        self.unet: Any = unet
        self.encoder: Any = encoder
        self.decoder: Any = decoder
        self.head: Any = head
        self.scheduler = scheduler
        schedule: Any = scheduler
        self.register_buffer("alphas_cumprod", schedule.alphas_cumprod.clone(), persistent=False)

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(3, side, side) of its images."""
        side = 32 * self.encoder.fold
        return 3, side, side

    @classmethod
    def create_128(cls) -> Self:
        """Untrained networks for images of 128 pixels, with an output head."""
        channels, n = (64, 96, 128), 16
        encoder = Encoder(fold=4)
        decoder = Decoder(channels=(192, 144, 96, 64), features=16, embedding=4 * channels[0], fold=4)
        head = OutputHead()
        features = int(decoder.config["features"])
        unet = _unet(channels, 7 * n + features, 3 * n + int(head.config["features"]))
        return cls(unet, encoder, decoder, make_scheduler("leading"), head)

    @classmethod
    def create(cls, channels: tuple[int, ...] = (32, 64, 128), code: int = 128) -> Self:
        """Untrained networks for images of 64 pixels; `channels` are the UNet's widths at 32, 16 and 8 pixels, each a
        multiple of 16.
        """
        decoder = Decoder(code, embedding=4 * channels[0])
        return cls(_unet(channels, 28 + int(decoder.config["features"]), 12), Encoder(code), decoder, make_scheduler())

    def encode(self, image: Tensor) -> Tensor:
        """z (b, 128) of images (b, 3, side, side) in [-1, 1]; each z has mean 0 and variance 1.

        Raises:
            ValueError: the images have another shape.
        """
        side = self.sample_shape[-1]
        if image.ndim != 4 or tuple(image.shape[1:]) != self.sample_shape:
            raise ValueError(
                f"image must have shape (b, 3, {side}, {side}), but has {tuple(image.shape)}: resize it to {side} x "
                f"{side} first."
            )
        z: Tensor = self.encoder(image)
        return z

    def alpha_bar(self, t: Tensor) -> Tensor:
        """a_t (b, 1, 1, 1) for t (b,): the scheduler's values at whole t in 0..999, linear between them."""
        below = t.detach().floor().long().clamp(0, len(self.alphas_cumprod) - 2)
        fraction = t.to(self.alphas_cumprod.dtype) - below
        lower, upper = self.alphas_cumprod[below], self.alphas_cumprod[below + 1]
        return torch.where(fraction == 1, upper, lower + fraction * (upper - lower)).view(-1, 1, 1, 1)

    def predict_residual(self, t: Tensor, scaled: Tensor, decoded: Decoded) -> Tensor:
        """F(r / sqrt(v), t, z), of the images' shape."""
        fold = self.encoder.fold
        maps = torch.cat([scaled, decoded.mean, decoded.spread.log()], 1)
        folded = torch.cat([F.pixel_unshuffle(maps, fold), decoded.features], 1)
        out: Tensor = self.unet(folded, t, class_labels=decoded.embedding).sample
        if self.head is None:
            return F.pixel_shuffle(out, fold)
        image, features = out[:, : 3 * fold * fold], out[:, 3 * fold * fold :]
        details: Tensor = self.head(maps, features)
        return F.pixel_shuffle(image, fold) + details

    def prepare(self, z: Tensor) -> Tensor:
        """The part of `forward` that depends on z only: codes (b, 128) -> (b, n), which `forward` accepts as z.

        It is a third of the cost of a network call.
        """
        decoded: Decoded = self.decoder(z)
        return decoded.packed()

    def forward(self, t: Tensor, x_t: Tensor, z: Tensor) -> Tensor:
        """Predicted noise eps, of the images' shape.

        Args:
            t: training time of each image, (b,), whole or fractional, 0..999.
            x_t: noisy images, (b, 3, side, side).
            z: codes (b, 128), or the result of `prepare` for them.
        """
        a_t = self.alpha_bar(t)
        sigma_t = ((1 - a_t) / a_t).sqrt()
        decoded = self.decoder(z) if z.shape[1] == self.decoder.config["code"] else self.decoder.unpack(z)
        scale = (sigma_t**2 + decoded.spread**2).sqrt()
        r = x_t / a_t.sqrt() - decoded.mean
        out = self.predict_residual(t, r / scale, decoded)
        eps_t: Tensor = (sigma_t * r / scale - decoded.spread * out) / scale
        return eps_t

    def save_folder(self, folder: str | Path) -> None:
        """Write a diffusers folder with half-precision safetensors; creates `folder`."""
        folder = Path(folder)
        for name in _parts(self):
            part = getattr(self, name)
            copy = type(part).from_config(part.config)
            copy.load_state_dict(part.state_dict())
            copy.half().save_pretrained(folder / name, safe_serialization=True)
        schedule: Any = self.scheduler
        schedule.save_pretrained(folder / "scheduler")
        index = {"_class_name": type(self).__name__, **_index_of_parts(self)}
        (folder / _INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def from_folder(
        cls, folder: str | Path, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
    ) -> Self:
        """Load what `save_folder` wrote, frozen and in eval mode; makes no network request.

        Raises:
            FileNotFoundError: `folder` holds no diffusion autoencoder.
        """
        folder = Path(folder)
        if not (folder / _INDEX).is_file():
            raise FileNotFoundError(f"{folder} holds no diffusion autoencoder: {_INDEX} is missing.")
        kinds: dict[str, Any] = {"unet": UNet2DModel, "encoder": Encoder, "decoder": Decoder}
        if (folder / "head").is_dir():
            kinds["head"] = OutputHead
        options = {"local_files_only": True, "torch_dtype": dtype, "low_cpu_mem_usage": False}
        parts = {name: kind.from_pretrained(folder / name, **options) for name, kind in kinds.items()}
        model = cls(**parts, scheduler=load_scheduler(folder))
        return model.to(device=device, dtype=dtype).eval().requires_grad_(False)


def _parts(model: DiffusionAutoencoder) -> list[str]:
    return ["unet", "encoder", "decoder", *(["head"] if model.head is not None else [])]


def _unet(channels: tuple[int, ...], in_channels: int, out_channels: int) -> UNet2DModel:
    return UNet2DModel(  # type: ignore[no-untyped-call]  # diffusers
        sample_size=32,
        in_channels=in_channels,
        out_channels=out_channels,
        layers_per_block=1,
        block_out_channels=channels,
        down_block_types=("DownBlock2D",) * len(channels),
        up_block_types=("UpBlock2D",) * len(channels),
        norm_num_groups=16,
        class_embed_type="identity",
        resnet_time_scale_shift="scale_shift",
        add_attention=False,
    )


def _index_of_parts(model: DiffusionAutoencoder) -> dict[str, list[str]]:
    """The library and class of each part, as in diffusers' model_index.json."""
    return {
        "unet": ["diffusers", "UNet2DModel"],
        "encoder": ["clay.networks", "Encoder"],
        "decoder": ["clay.networks", "Decoder"],
        **({"head": ["clay.networks", "OutputHead"]} if model.head is not None else {}),
        "scheduler": ["diffusers", type(model.scheduler).__name__],
    }
