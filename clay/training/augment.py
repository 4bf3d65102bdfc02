"""Disturbances under which a face stays the same face; training adds them so that a network looks past them."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from clay.networks.images import flip_some

_SHIFT = 3
_PATCH = 20


def shift(image: Tensor, generator: torch.Generator) -> Tensor:
    """Move all pictures of the batch by the same few pixels, repeating the border."""
    padded = F.pad(image, (_SHIFT,) * 4, mode="replicate")
    down, right = torch.randint(2 * _SHIFT + 1, (2,), generator=generator, device=image.device).tolist()
    height, width = image.shape[-2:]
    return padded[..., down : down + height, right : right + width]


def blur_some(image: Tensor, generator: torch.Generator) -> Tensor:
    """Mix each picture with its 3 x 3 mean, by a random share up to 1."""
    soft: Tensor = F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share: Tensor = (torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device) * 2 - 1).clamp(min=0)
    mixed: Tensor = image + share * (soft - image)
    return mixed


def relight(image: Tensor, generator: torch.Generator) -> Tensor:
    """image * (1 + 0.1 n1) + 0.08 n2, with standard normal n1, n2 for each picture."""
    n = torch.randn(2, len(image), 1, 1, 1, generator=generator, device=image.device)
    return image * (1 + 0.1 * n[0]) + 0.08 * n[1]


def cover_some(image: Tensor, generator: torch.Generator, odds: float = 0.3) -> Tensor:
    """Hide a square of grey somewhere in some of the pictures."""
    count, _, height, width = image.shape
    top = torch.randint(height, (count, 1, 1), generator=generator, device=image.device)
    left = torch.randint(width, (count, 1, 1), generator=generator, device=image.device)
    side = torch.randint(6, _PATCH, (count, 1, 1), generator=generator, device=image.device)
    hit = torch.rand(count, 1, 1, generator=generator, device=image.device) < odds
    rows = torch.arange(height, device=image.device)[:, None]
    columns = torch.arange(width, device=image.device)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side) & hit
    return image.masked_fill(inside[:, None], 0.0)


def grain(image: Tensor, generator: torch.Generator, most: float = 0.2) -> Tensor:
    """Add noise with a standard deviation between 0 and `most`, another for each picture."""
    level = most * torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device)
    return image + level * torch.randn(image.shape, generator=generator, device=image.device)


def disturb(image: Tensor, generator: torch.Generator, covered: float = 0.3) -> Tensor:
    """All of the above, in an order in which noise and patches stay sharp; (b, 3, h, w) -> the same."""
    image = blur_some(shift(flip_some(image, generator), generator), generator)
    return grain(cover_some(relight(image, generator), generator, covered), generator)


def pushed(image: Tensor, loss: Callable[[Tensor], Tensor], furthest: float, generator: torch.Generator) -> Tensor:
    """x + r g / |g|,  g = d loss / dx,  r uniform in [0, furthest] for each picture: where it does the most harm.

    One step of adversarial training (Goodfellow et al. 2015, arXiv 1412.6572) in the Euclidean norm. The gradients of a
    network trained so draw what it is asked for, those of others what only that network sees (Santurkar et al. 2019,
    arXiv 1906.09453).
    """
    image = image.detach().requires_grad_(True)
    (g,) = torch.autograd.grad(loss(image), image)
    r = furthest * torch.rand(len(image), 1, 1, 1, generator=generator, device=image.device)
    moved: Tensor = image + r * g / g.flatten(1).norm(dim=1).clamp_min(1e-12).view(-1, 1, 1, 1)
    return moved.detach()
