"""Networks in half precision, with gradients that keep their digits.

The cotangent of a mean over 3 x 512 x 512 values is about 1e-7, below the smallest normal float16 (6e-5): passed
through a network in half precision as it is, most of its digits are lost. A vector-Jacobian product is linear in its
cotangent,

    a^T J = (c a)^T J / c        for every c,

so c is the power of two that brings the largest entry of a to order one: exact up to the network's own rounding.
States, steps and adjoints stay in the caller's precision, float32 or better; only the network computes in half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from adjointdeis.conditioning import leaves, replaced
from adjointdeis.denoiser import Denoiser, tensor_of
from adjointdeis.shapes import Conditioning


def to_order_one(cotangent: Tensor) -> Tensor:
    """The power of two that brings the largest finite entry into [1, 2); multiplying by it is exact."""
    largest = cotangent.abs().nan_to_num(0.0, 0.0, 0.0).amax().clamp_min(torch.finfo(cotangent.dtype).tiny)
    return torch.exp2(-torch.floor(torch.log2(largest)))


def widest(x: Tensor) -> torch.dtype:
    """float64, or the tensor's own dtype on a device that has no float64."""
    return x.dtype if x.device.type == "mps" else torch.float64


@dataclass(frozen=True)
class HalfPrecision:
    """net(t, x, z) computed in half precision, with every cotangent scaled before it enters the network.

    A wrapper, so it works with every gradient method. Wrap the network itself, and wrap guidance around that.

    Args:
        model: the network.
        dtype: torch.bfloat16, or torch.float16, which has three bits more, but overflows at large activations.
        autocast: True leaves the network's weights unchanged (float32) and computes under torch.autocast; False is
            for a network whose weights are in `dtype`: it is called with x and z in that dtype.

    Raises:
        ValueError: another dtype.
    """

    model: Denoiser
    dtype: torch.dtype = torch.bfloat16
    autocast: bool = True

    def __post_init__(self) -> None:
        if self.dtype not in (torch.bfloat16, torch.float16):
            raise ValueError(f"dtype must be torch.bfloat16 or torch.float16; got {self.dtype}.")

    def __call__(self, t: Tensor, x: Tensor, z: Conditioning, /) -> Tensor:
        """The output in the dtype of x, for t (b,), x (b, *x), z."""
        model: Any = self.model
        scale = _Scale()
        inside = None if self.autocast else self.dtype
        x_in = _Enter.apply(x, inside, scale)
        z_in = replaced(z, [_Enter.apply(v, inside, scale) for v in leaves(z)])
        with torch.autocast(x.device.type, self.dtype, enabled=self.autocast):
            if theta := self._trained():
                entered = {name: _Enter.apply(p, None, scale) for name, p in theta.items()}
                output = torch.func.functional_call(model, entered, (t, x_in, z_in))
            else:
                output = model(t, x_in, z_in)
        left: Tensor = _Leave.apply(tensor_of(output), x.dtype, scale)
        return left

    def check_theta(self, theta: Mapping[str, Tensor]) -> None:
        """Raises NotImplementedError for parameters whose gradients would be wrong; `trainable` calls it.

        Those of a network that is no torch module would keep the scale c; those in half precision would lose digits.
        """
        if not isinstance(self.model, torch.nn.Module):
            raise NotImplementedError(
                "Parameters are differentiated in half precision for a torch module only; got "
                f"{type(self.model).__name__}. Put HalfPrecision around the network itself, and other wrappers "
                "around it."
            )
        for name, p in theta.items():
            if p.dtype in (torch.bfloat16, torch.float16):
                raise NotImplementedError(
                    f"The gradient of {name} would be rounded to {p.dtype}; keep the weights in float32 and use "
                    "autocast=True."
                )

    def _trained(self) -> dict[str, Tensor]:
        """The parameters that require a gradient, while autograd records."""
        if not torch.is_grad_enabled() or not isinstance(self.model, torch.nn.Module):
            return {}
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}


class _Scale:
    """c of one network call: set by the backward pass of its output, used by those of its inputs."""

    value: Tensor


class _Enter(torch.autograd.Function):
    """An input of the network: its gradient is divided by c."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inside: torch.dtype | None, scale: _Scale) -> Tensor:
        ctx.dtype, ctx.scale = x.dtype, scale
        return x.view_as(x) if inside is None else x.to(inside)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        return cotangent.to(ctx.dtype) / ctx.scale.value, None, None


class _Leave(torch.autograd.Function):
    """The network's output: its cotangent is multiplied by c."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, outside: torch.dtype, scale: _Scale) -> Tensor:
        ctx.dtype, ctx.scale = output.dtype, scale
        return output.to(outside) if output.dtype != outside else output.view_as(output)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None, None]:
        scale = ctx.scale.value = to_order_one(cotangent)
        return (cotangent * scale).to(ctx.dtype), None, None
