"""The crop of a face in the frame of its eyes.

With the centres of the eyes l and r, m = (l + r) / 2 and d = |r - l|, the point (u, v) of the frame lies at
m + d (u e_1 + v e_2), e_1 along r - l, e_2 downwards. The crop shows u and v in [-`HALF`, `HALF`].
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SIZE = 96
"""Side of the crop in pixels."""
HALF = 2.1


def places_along(size: int) -> Tensor:
    """u of the columns of a crop, and v of its rows, (size,)."""
    return torch.linspace(-HALF, HALF, 2 * size + 1)[1::2]


def eye_frame(image: Tensor, eyes: Tensor, size: int = SIZE, mode: str = "bilinear", outside: str = "border") -> Tensor:
    """Crops (b, 3, size, size).

    Args:
        image: (b, 3, h, w).
        eyes: centres of the eyes in pixels, (b, 2, 2): the eye at the left of the image first, x before y.
        size: side of the crops.
        mode: "bilinear" or "nearest".
        outside: what lies outside of the image repeats its edge ("border"), or is 0 ("zeros").
    """
    height, width = image.shape[-2:]
    left, right = eyes[:, 0], eyes[:, 1]
    middle, along = (left + right) / 2, right - left
    steps = places_along(size).to(image)
    v, u = torch.meshgrid(steps, steps, indexing="ij")
    down = torch.stack([-along[:, 1], along[:, 0]], dim=1)
    grid = middle[:, None, None] + u[..., None] * along[:, None, None] + v[..., None] * down[:, None, None]
    grid = (grid + 0.5) * 2 / grid.new_tensor([width, height]) - 1
    return F.grid_sample(image, grid, mode=mode, padding_mode=outside, align_corners=False)


def reduced(image: Tensor, eyes: Tensor, size: int = SIZE) -> tuple[Tensor, Tensor]:
    """One image (1, 3, h, w) and its eyes (1, 2, 2), reduced so that a crop of `size` pixels is not aliased."""
    step = float((eyes[0, 1] - eyes[0, 0]).norm()) * 2 * HALF / size
    if step <= 1.2:
        return image, eyes
    sides = [max(round(side / step), 1) for side in image.shape[-2:]]
    small = F.interpolate(image, sides, mode="bilinear", antialias=True, align_corners=False)
    scale = eyes.new_tensor([sides[1] / image.shape[-1], sides[0] / image.shape[-2]])
    return small, (eyes + 0.5) * scale - 0.5
