"""A loss seen through several slightly changed views, so that no single pixel pattern can please it.

Gradients of one network at one view can be followed into texture that only that network sees. A change that lowers
the loss under small shifts, zooms and noise is more likely one that a person sees too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.contract import Loss, check_image


class Augmented:
    """The mean of a loss over the image itself and `views` changed copies of it.

    The changes are drawn once, so the loss is a fixed function of the image.

    Args:
        loss: any loss.
        views: number of changed copies, at least 0.
        shift: largest shift, as a share of the image's side.
        zoom: largest zoom in or out, as a share.
        noise: standard deviation of the added noise, in units of images in [-1, 1].
        seed: of the changes.
    """

    def __init__(
        self,
        loss: Loss,
        views: int = 3,
        shift: float = 0.06,
        zoom: float = 0.08,
        noise: float = 0.05,
        seed: int = 0,
    ) -> None:
        if views < 0:
            raise ValueError(f"views must be at least 0; got {views}.")
        generator = torch.Generator().manual_seed(seed)
        self.loss, self.noise, self.seed = loss, noise, seed
        self.zooms = 1 + zoom * (2 * torch.rand(views, generator=generator) - 1)
        self.shifts = 2 * shift * (2 * torch.rand(views, 2, generator=generator) - 1)

    @property
    def name(self) -> str:
        """That of the loss itself."""
        return self.loss.name

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,)."""
        values = [self.loss(check_image(image))]
        generator = torch.Generator().manual_seed(self.seed)
        for zoom, shift in zip(self.zooms.tolist(), self.shifts.tolist(), strict=True):
            noise = self.noise * torch.randn(image.shape[1:], generator=generator).to(image)
            values.append(self.loss(_warp(image, zoom, shift) + noise))
        return torch.stack(values).mean(dim=0)


def _warp(image: Tensor, zoom: float, shift: list[float]) -> Tensor:
    """Zoom about the centre, then shift; what enters at the rim repeats the rim."""
    affine = image.new_tensor([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]]).expand(len(image), 2, 3)
    grid = F.affine_grid(affine, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
