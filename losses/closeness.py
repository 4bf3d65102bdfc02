"""Closeness losses: the distance to the start image in pixels, in structure, or in a network's features.

    pixels      mean |x - y|^2                                                           in [0, 4]
    structure   1 - mean SSIM(x, y)                                                      in [0, 2]
    features    1 - cos(E(x), E(y))                                                      in [0, 2]

The pixel loss is most sensitive to a change of colour over a large area; the structure loss is less sensitive to light
and colour than to edges; the feature loss is insensitive to what its network does not distinguish. Their scales differ,
and so do suitable weights: a clearly visible change is some hundredths in pixels, and some tenths in structure.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from losses.contract import Embed, check_image, cosine_distance, frozen, reference_embedding, unit

_WINDOW, _SPREAD = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


class Closeness:
    """L = mean w |x - start|^2 over channels and pixels, w = 1 by default.

    Args:
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
        weight: returns w, (b, 1, h, w) in [0, 1], at every evaluation: where the image may differ, w is 0.
    """

    name = "closeness"

    def __init__(self, start_image: Tensor, weight: Callable[[], Tensor] | None = None) -> None:
        self.start, self.weight = check_image(start_image).detach(), weight

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 4].

        Raises:
            ValueError: the image and the start image differ in size.
        """
        _check_size(image, self.start)
        squared = (image - self.start.to(image)).square()
        return (squared if self.weight is None else self.weight().to(image) * squared).mean(dim=(1, 2, 3))


class StructureCloseness:
    """L = 1 - mean SSIM(x, start) over channels and pixels (Wang et al. 2004, doi 10.1109/TIP.2003.819861, eq. 13).

        SSIM = (2 m_x m_y + c_1) (2 s_xy + c_2) / ((m_x^2 + m_y^2 + c_1) (s_x^2 + s_y^2 + c_2))

    with means m, variances s^2 and covariance s_xy under a Gaussian window of 11 x 11 pixels, sigma 1.5, at every place
    where it fits; c_1 = 0.01^2, c_2 = 0.03^2. SSIM is defined for values that are not negative, so images are mapped
    from [-1, 1] to [0, 1] first. Around a mean of zero the first factor would change sign with a small change of light.

    Args:
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1], h and w at least 11.

    Raises:
        ValueError: the start image is smaller than the window.
    """

    name = "closeness"

    def __init__(self, start_image: Tensor) -> None:
        self.start = check_image(start_image).detach()
        if min(self.start.shape[-2:]) < _WINDOW:
            raise ValueError(
                f"Structure closeness needs images of {_WINDOW} x {_WINDOW} pixels at least; got "
                f"{tuple(self.start.shape[-2:])}: use a larger image."
            )

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2].

        Raises:
            ValueError: the image and the start image differ in size.
        """
        _check_size(image, self.start)
        return 1 - ssim(image, self.start.to(image).expand_as(image))


class FeatureCloseness:
    """L = 1 - cos(E(x), E(start)) for the embedding of any network, such as the image tower of a CLIP model.

    Unlike LPIPS, it compares one vector per image, which depends little on positions.

    Args:
        embed: image (b, 3, h, w) in [-1, 1] -> (b, d); a torch module is frozen.
        start_image: (1, 3, h, w) or (b, 3, h, w) in [-1, 1].
    """

    name = "closeness"

    def __init__(self, embed: Embed, start_image: Tensor) -> None:
        self.embed = frozen(embed)
        self.target = reference_embedding(self.embed, start_image)

    def __call__(self, image: Tensor) -> Tensor:
        """(b, 3, h, w) -> (b,) in [0, 2]."""
        return cosine_distance(unit(self.embed(check_image(image))), self.target.to(image))


def ssim(x: Tensor, y: Tensor) -> Tensor:
    """SSIM of images x and y, (b, 3, h, w) in [-1, 1], as in `StructureCloseness`; (b,) in [-1, 1]."""
    x, y = (x + 1) / 2, (y + 1) / 2
    m_x, m_y = _blurred(x), _blurred(y)
    s_xx, s_yy = _blurred(x * x) - m_x * m_x, _blurred(y * y) - m_y * m_y
    s_xy = _blurred(x * y) - m_x * m_y
    light = (2 * m_x * m_y + _C1) / (m_x * m_x + m_y * m_y + _C1)
    return (light * (2 * s_xy + _C2) / (s_xx + s_yy + _C2)).mean(dim=(1, 2, 3))


def _blurred(image: Tensor) -> Tensor:
    """The mean under the window at every place where it fits, (b, 3, h - 10, w - 10)."""
    places = torch.arange(_WINDOW, device=image.device, dtype=image.dtype) - _WINDOW // 2
    weights = torch.exp(-places.square() / (2 * _SPREAD**2))
    weights = weights / weights.sum()
    down = F.conv2d(image, weights.view(1, 1, -1, 1).expand(3, 1, -1, 1), groups=3)
    return F.conv2d(down, weights.view(1, 1, 1, -1).expand(3, 1, 1, -1), groups=3)


def _check_size(image: Tensor, start: Tensor) -> None:
    if check_image(image).shape[1:] != start.shape[1:]:
        raise ValueError(
            f"Closeness compares images of one size; got {tuple(image.shape[1:])} and {tuple(start.shape[1:])}: "
            "resize one of them."
        )
