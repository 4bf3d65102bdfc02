"""A model small enough for tests: every part has the real one's interface, and none has learned anything."""

from __future__ import annotations

from typing import ClassVar

import torch
from diffusers import DDIMScheduler
from torch import Tensor, nn

from studio.models.interface import Model, Origin

SIZE = 16


class Network(nn.Module):
    """Smooth and small, so that every gradient is there and nothing blows up."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.push = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(12, 3)

    def forward(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        return 0.5 * x + 0.2 * (self.mix(x) + self.push(z)[:, :, None, None]).tanh()


class Clip(nn.Module):
    """Random projections in open_clip's form."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Module()
        self.visual.image_size, self.visual.image_mean, self.visual.image_std = SIZE, (0.5,) * 3, (0.5,) * 3
        self.image = nn.Linear(3 * SIZE * SIZE, 8)
        self.words = nn.Embedding(256, 8)
        self.logit_scale = nn.Parameter(torch.tensor(2.0))

    def encode_image(self, image: Tensor) -> Tensor:
        return self.image(image.flatten(1))

    def encode_text(self, tokens: Tensor) -> Tensor:
        return self.words(tokens).mean(dim=1)


class Face(nn.Module):
    """A random projection that accepts what is nearly the same."""

    thresholds: ClassVar = {"fmr_0.1_percent": 0.9, "fmr_1_percent": 0.6}

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(3 * SIZE * SIZE, 8)

    def forward(self, image: Tensor) -> Tensor:
        return self.look(image.flatten(1))


def tokenize(texts: list[str]) -> Tensor:
    return torch.tensor([list(text.encode().ljust(64))[:64] for text in texts])


def unpadded(texts: list[str]) -> Tensor:
    """Token ids without padding, which would make all short texts much alike."""
    return torch.tensor([list((64 * text).encode())[:64] for text in texts])


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(1000, beta_schedule="linear", clip_sample=False, timestep_spacing="trailing")


def stub() -> Model:
    torch.manual_seed(0)
    parts = (Network(), Clip(), Face(), Face(), Face())
    network, clip, face, convolutional, transformer = (part.eval().requires_grad_(False) for part in parts)
    return Model(
        name="stub",
        digest="0" * 64,
        size=SIZE,
        network=network,
        encode=lambda image: nn.functional.adaptive_avg_pool2d(image, 2).flatten(1),
        scheduler=scheduler,
        clip=clip,
        tokenizer=tokenize,
        identity=face,
        device=torch.device("cpu"),
        held_out={"convolutional": convolutional, "transformer": transformer},
        origin=Origin(card="clay"),
    )
