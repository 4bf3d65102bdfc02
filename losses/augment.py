"""`Augmented`: the mean of a loss over augmented copies of the image.

The gradient of a network at one image can lead to texture that only this network responds to. A change that lowers the
loss under small shifts, zooms and noise is more likely to be a visible one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.contract import Loss, check_image


class Augmented:
    """1/(n + 1) (L(x) + sum_k L(T_k x)): the mean of a loss over the image and n augmented copies T_k x.

    The augmentations are drawn once, so the loss is a fixed function of the image.

    Args:
        loss: L.
        views: n, number of augmented copies, at least 0.
        shift: largest shift, as a fraction of the image's side.
        zoom: largest relative zoom in or out.
        noise: standard deviation of the added noise, for images in [-1, 1].
        seed: seed of the augmentations.

    Raises:
        ValueError: `views` is negative.
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
        """The name of the loss."""
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
    """Zoom about the centre, then shift; the border is repeated."""
    affine = image.new_tensor([[zoom, 0.0, shift[0]], [0.0, zoom, shift[1]]]).expand(len(image), 2, 3)
    grid = F.affine_grid(affine, list(image.shape), align_corners=False)
    return F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
