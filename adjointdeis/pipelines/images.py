"""Images and the states of a pipeline.

    decode(x_N)  = vae.decode(L(x_N / s_N))          encode_image = s_N L^{-1}(vae.encode(image))

L is what the pipeline does to its last state before it decodes (unpacking, shift, scale, the statistics of a video
VAE), and `layout` reads it from the pipeline's own code. Images are in [-1, 1], (b, 3, h, w), or (b, 3, frames, h, w)
for a video. Where a VAE has opacity as a fourth channel, images are opaque, and the opacity of a result is left out.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor

from adjointdeis.pipelines.layout import Layout, derive
from adjointdeis.pipelines.start import Adapter


class Images:
    """Decoder and encoder of a pipeline, made on first use.

    Args:
        pipe: the pipeline.
        adapter: its adapter.
        last: s_N.
    """

    def __init__(self, pipe: Any, adapter: Adapter, last: float) -> None:
        self.pipe, self.adapter, self.last = pipe, adapter, last

    @functools.cached_property
    def vae(self) -> Any:
        """The pipeline's VAE; a copy in float32 where it overflows in float16, as the pipeline itself has it."""
        vae = getattr(self.pipe, "vae", None)
        name = type(self.pipe).__name__
        if vae is None:
            raise ValueError(
                f"This {name} has no VAE, so its states cannot be decoded; add one, or decode them yourself."
            )
        if vae.dtype == torch.float16 and vae.config.get("force_upcast"):
            return copy.deepcopy(vae).float()
        return vae

    @functools.cached_property
    def layout(self) -> Layout:
        """L."""
        _ = self.vae
        found = derive(self.adapter.decoder_input, self.adapter.start.state.float())
        if found is None:
            raise NotImplementedError(
                f"{type(self.pipe).__name__} does more to its last state than to rearrange, shift and scale it, "
                "so states "
                "and images cannot be converted; use pipe.vae."
            )
        return found

    def decode(self, latents: Tensor) -> Tensor:
        """The image of a state."""
        given = self.layout.forward(latents / self.last).to(self.vae.dtype)
        result = self.vae.decode(given, return_dict=False)
        image: Tensor = result[0] if isinstance(result, tuple) else result.sample
        if image.dim() == 5 and image.shape[2] == 1:
            image = image[:, :, 0]
        image = image[:, :3]  # without opacity
        checker = getattr(self.pipe, "safety_checker", None)
        if checker is not None:
            self._check(image)
        return image.to(latents.dtype) if image.dtype.itemsize < latents.dtype.itemsize else image

    def encode(self, image: Tensor) -> Tensor:
        """The state of an image."""
        given = self.layout.scale.shape
        if self.vae.config.get("in_channels") == 4:  # opacity too
            image = torch.cat([image, torch.ones_like(image[:, :1])], dim=1)
        if image.dim() == 4 and len(given) == 5:
            image = image.unsqueeze(2)
        encoded = self.vae.encode(image.to(self.vae.dtype))
        if (distribution := getattr(encoded, "latent_dist", None)) is not None:
            latents = distribution.mode()
        else:
            latents = getattr(encoded, "latent", None)
            latents = encoded.latents if latents is None else latents
        if latents.shape != given:
            raise ValueError(
                f"The image must be of the pipeline's size: its VAE makes latents of shape {tuple(given)}, this "
                "image of "
                f"shape {tuple(image.shape)} gives {tuple(latents.shape)}. Resize it to height and width of the call."
            )
        return self.layout.inverse(latents.to(image.dtype)) * self.last

    def _check(self, image: Tensor) -> None:
        # a copy: the checker blackens images in place
        _, flagged = self.pipe.run_safety_checker(image.detach().clone(), image.device, image.dtype)
        if any(flagged or ()):
            raise ValueError(
                f"The safety checker of {type(self.pipe).__name__} would black out this image, which has no gradient; "
                "change the prompt, or load the pipeline with safety_checker=None."
            )
