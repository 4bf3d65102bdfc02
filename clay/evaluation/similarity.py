"""How alike two pictures, or two collections of pictures, are.

The perceptual measures look through the attribute reader's trunk, which saw clay faces only: they have the form of
LPIPS and FID, not their networks, and their values cannot be compared with those published for photographs.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity
from torch import Tensor

from clay.networks.attribute_reader import AttributeReader
from clay.networks.identity import fit_input


def psnr(image: Tensor, reference: Tensor) -> float:
    """Mean over pictures of 10 log10(4 / mse) in dB, for values in [-1, 1]."""
    error = (image.clamp(-1, 1) - reference).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / error)).mean())


def ssim(image: Tensor, reference: Tensor) -> float:
    """Mean structural similarity (Wang et al. 2004) over pictures (n, 3, h, w) in [-1, 1]; 1 for equal ones."""
    similarity: Any = structural_similarity  # not annotated
    # in [0, 1]: the measure compares means, and those of pictures around 0 are small beside any change of light
    first, second = ((x.clamp(-1, 1).numpy() + 1) / 2 for x in (image, reference))
    pairs = zip(first, second, strict=True)
    return float(np.mean([similarity(a, b, channel_axis=0, data_range=1.0) for a, b in pairs]))


def _levels(reader: AttributeReader, image: Tensor) -> list[Tensor]:
    """The trunk's feature maps at 16, 8 and 4 pixels."""
    h, levels = fit_input(image, reader.size), []
    for block in reader.backbone:
        h = block(h)
        levels.append(h)
    return levels[-3:]


@torch.no_grad()
def perceptual_distance(reader: AttributeReader, image: Tensor, reference: Tensor) -> float:
    """Sum over levels l of mean |f_l / |f_l| - g_l / |g_l||^2, unit length along the channels.

    LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1) with all weights one; f, g are the features of both pictures.
    """
    distance = torch.zeros(len(image))
    for f, g in zip(_levels(reader, image.clamp(-1, 1)), _levels(reader, reference), strict=True):
        distance += (F.normalize(f, dim=1) - F.normalize(g, dim=1)).square().sum(1).mean((1, 2))
    return float(distance.mean())


def trunk_features(reader: AttributeReader, image: Tensor) -> Tensor:
    """(n, 128): the trunk's last maps, each averaged over the picture."""
    return _levels(reader, image.clamp(-1, 1))[-1].mean((2, 3))


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of two samples of features (n, d) (Heusel et al. 2017)."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # tr (C_a C_b)^(1/2): the eigenvalues of C_a C_b are those of a positive matrix, real up to rounding
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * roots)
