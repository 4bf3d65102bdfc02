"""Networks in half precision, without losing their gradients."""

from __future__ import annotations

import torch
from torch import Tensor


def to_order_one(cotangent: Tensor) -> Tensor:
    """The power of two that brings the largest finite entry into [1, 2); multiplying by it is exact."""
    largest = cotangent.abs().nan_to_num(0.0, 0.0, 0.0).amax().clamp_min(torch.finfo(cotangent.dtype).tiny)
    return torch.exp2(-torch.floor(torch.log2(largest)))
