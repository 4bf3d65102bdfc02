"""Augmentations of images (b, 3, h, w) in [-1, 1] that keep identity and attributes.

Each function draws its random numbers from the generator that it is given.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

_SHIFT = 3
_PATCH = 20


def flip_randomly(image: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image with probability 1/2."""
    flipped = torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device) < 0.5
    return torch.where(flipped, image.flip(-1), image)


def shift(image: Tensor, generator: torch.Generator) -> Tensor:
    """Shift the batch by the same random number of pixels, up to 3 in each direction; the border is repeated."""
    padded = F.pad(image, (_SHIFT,) * 4, mode="replicate")
    down, right = torch.randint(2 * _SHIFT + 1, (2,), generator=generator, device=image.device).tolist()
    height, width = image.shape[-2:]
    return padded[..., down : down + height, right : right + width]


def blur(image: Tensor, generator: torch.Generator) -> Tensor:
    """image + w (mean - image), mean over 3 x 3 pixels, w = max(u, 0) with u uniform in [-1, 1] for each image."""
    soft: Tensor = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    w: Tensor = (torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device) * 2 - 1).clamp(min=0)
    mixed: Tensor = image + w * (soft - image)
    return mixed


def relight(image: Tensor, generator: torch.Generator) -> Tensor:
    """image * (1 + 0.1 n1) + 0.08 n2, with standard normal n1, n2 for each image."""
    n = torch.randn(2, len(image), 1, 1, 1, generator=generator, device=image.device)
    return image * (1 + 0.1 * n[0]) + 0.08 * n[1]


def cover(image: Tensor, generator: torch.Generator, probability: float = 0.3) -> Tensor:
    """Cover a random square of 6 to 19 pixels with grey in each image, with the given probability."""
    count, _, height, width = image.shape
    top = torch.randint(height, (count, 1, 1), generator=generator, device=image.device)
    left = torch.randint(width, (count, 1, 1), generator=generator, device=image.device)
    side = torch.randint(6, _PATCH, (count, 1, 1), generator=generator, device=image.device)
    hit = torch.rand(count, 1, 1, generator=generator, device=image.device) < probability
    rows = torch.arange(height, device=image.device)[:, None]
    columns = torch.arange(width, device=image.device)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side) & hit
    return image.masked_fill(inside[:, None], 0.0)


def add_noise(image: Tensor, generator: torch.Generator, most: float = 0.2) -> Tensor:
    """Add normal noise; its standard deviation is uniform in [0, most] for each image."""
    level = most * torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device)
    return image + level * torch.randn(image.shape, generator=generator, device=image.device)


def augment(image: Tensor, generator: torch.Generator, covered: float = 0.3) -> Tensor:
    """Mirror, shift, blur, relight, cover with probability `covered`, add noise; (b, 3, h, w) -> (b, 3, h, w)."""
    image = blur(shift(flip_randomly(image, generator), generator), generator)
    return add_noise(cover(relight(image, generator), generator, covered), generator)


def adversarial(image: Tensor, loss: Callable[[Tensor], Tensor], radius: float, generator: torch.Generator) -> Tensor:
    """x + r g / |g|,  g = d loss / dx,  r uniform in [0, radius] for each image.

    One step of adversarial training (Goodfellow et al. 2015, arXiv 1412.6572) in the Euclidean norm. Input gradients of
    a robust network change what the target describes; those of other networks add patterns that only the network
    responds to (Santurkar et al. 2019, arXiv 1906.09453).

    Args:
        image: x, (b, 3, h, w) in [-1, 1].
        loss: image -> a scalar, to be increased.
        radius: largest Euclidean distance.
        generator: source of r.
    """
    image = image.detach().requires_grad_(True)
    (g,) = torch.autograd.grad(loss(image), image)
    r = radius * torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device)
    moved: Tensor = image + r * g / g.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
    return moved.detach()
