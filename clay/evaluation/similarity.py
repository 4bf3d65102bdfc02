"""Similarity of two images, or of two sets of images.

The perceptual measures use the features of the attribute classifier's backbone, which was trained on clay faces. They
have the form of LPIPS and FID, but their values cannot be compared with published values of LPIPS and FID.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import structural_similarity
from torch import Tensor

from clay.networks.attribute_classifier import AttributeClassifier
from clay.networks.images import backbone_input


def psnr(image: Tensor, reference: Tensor) -> float:
    """Mean over images (n, 3, h, w) in [-1, 1] of 10 log10(4 / mse), in dB."""
    error = (image.clamp(-1, 1) - reference).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / error)).mean())


def ssim(image: Tensor, reference: Tensor) -> float:
    """Mean structural similarity (Wang et al. 2004) over images (n, 3, h, w) in [-1, 1]; 1 for equal images."""
    similarity: Any = structural_similarity  # not annotated
    # In [0, 1]: SSIM compares means, and in [-1, 1] they are near 0, where a small change of light changes them much.
    first, second = ((x.clamp(-1, 1).numpy() + 1) / 2 for x in (image, reference))
    pairs = zip(first, second, strict=True)
    return float(np.mean([similarity(a, b, channel_axis=0, data_range=1.0) for a, b in pairs]))


def _levels(classifier: AttributeClassifier, image: Tensor) -> list[Tensor]:
    """The backbone's feature maps at 16, 8 and 4 pixels."""
    h, levels = backbone_input(image, classifier.fold), []
    for block in classifier.backbone:
        h = block(h)
        levels.append(h)
    return levels[-3:]


@torch.no_grad()
def perceptual_distance(classifier: AttributeClassifier, image: Tensor, reference: Tensor) -> float:
    """Mean over images of the sum over levels l of mean |f_l / |f_l| - g_l / |g_l||^2, norms along the channels.

    LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1) with all weights one; f, g are the features of the two images.
    """
    distance = torch.zeros(len(image))
    for f, g in zip(_levels(classifier, image.clamp(-1, 1)), _levels(classifier, reference), strict=True):
        distance += (F.normalize(f, dim=1) - F.normalize(g, dim=1)).square().sum(1).mean((1, 2))
    return float(distance.mean())


def features(classifier: AttributeClassifier, image: Tensor) -> Tensor:
    """(n, 128): the backbone's last feature maps, averaged over the image."""
    return _levels(classifier, image.clamp(-1, 1))[-1].mean((2, 3))


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of two sets of features (n, d) (Heusel et al. 2017)."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    # The eigenvalues of C_a C_b are real and not negative, up to rounding.
    roots = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * roots)
