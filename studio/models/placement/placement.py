"""`Placement`: the device of a model, its precision, and how it saves memory; the fastest that fits is chosen.

fastest first    full precision, nothing recomputed
                 half precision (cotangents are scaled, see adjointdeis.precision)
                 gradient checkpointing                       + one third of the time
                 guidance in two calls instead of one batch   + one half
                 sliced attention, tiled decoding             slowest
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from adjointdeis.gradients.memory import free_bytes

SHARE = 0.85
"""The share of the free memory that a plan may use: allocators waste some, and estimates are not exact."""
STATES = 9
"""float32 states that a run stores a step: the state; in float64 the noises, their variable and two moments of it."""
OVERHEAD = 600 * 2**20
"""Bytes of a GPU's context and libraries, before the first tensor."""


@dataclass(frozen=True)
class Footprint:
    """The memory of a model in bytes, by part, and its operations.

    Args:
        weights: of the denoiser and the autoencoder.
        step: one network call and its gradient.
        decode: the decoder and its gradient; 0 for pixel models.
        state: one x_t in float32.
        operations: floating-point operations of one network call; its gradient takes as many again.
    """

    weights: int
    step: int
    decode: int
    state: int
    operations: int = 0

    def total(self, steps: int = 20) -> int:
        """The bytes of a run with N = `steps`, without the networks of the losses."""
        return self.weights + STATES * steps * self.state + max(self.step, self.decode)


@dataclass(frozen=True)
class Placement:
    """The device, precision and memory savings of a model.

    Args:
        device: where the model runs.
        half: weights of the denoiser in half precision; states and steps stay in float32.
        checkpointing: gradient checkpointing in the denoiser and in the decoder.
        batched: both branches of classifier-free guidance in one call.
        sliced: attention in slices, and the decoder in tiles.
    """

    device: torch.device
    half: bool = False
    checkpointing: bool = False
    batched: bool = True
    sliced: bool = False

    @property
    def dtype(self) -> torch.dtype:
        """The denoiser's dtype. Half precision is bfloat16, with float32's range; float16 on GPUs without it."""
        if not self.half:
            return torch.float32
        return torch.bfloat16 if self.device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16

    def __str__(self) -> str:
        savings = {
            "half precision": self.half,
            "gradient checkpointing": self.checkpointing,
            "guidance in two calls": not self.batched,
            "slices and tiles": self.sliced,
        }
        return ", ".join([str(self.device), *(name for name, used in savings.items() if used)])


def best_device(mps: bool = True) -> torch.device:
    """A GPU if there is one, else the CPU.

    Args:
        mps: whether Apple's GPUs count. The app excludes them, because it was never tested on them.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if mps and torch.backends.mps.is_available() else "cpu")


def use_tensor_cores(device: torch.device) -> None:
    """Let a GPU multiply float32 matrices in TF32; diffusers' attention is the fused kernel by default."""
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = True


def placements(device: torch.device) -> tuple[Placement, ...]:
    """All placements on a device, the fastest first. A CPU stays in float32: half precision is slower there."""
    plain = Placement(device)
    half = replace(plain, half=device.type != "cpu")
    checkpointing = replace(half, checkpointing=True)
    two_calls = replace(checkpointing, batched=False)
    return tuple(dict.fromkeys((plain, half, checkpointing, two_calls, replace(two_calls, sliced=True))))


def fastest_fit(device: torch.device, needs: dict[Placement, int], free: int | None = None) -> Placement:
    """The fastest placement that fits; the one with the least memory if none fits or the free memory is unknown.

    Args:
        device: where the model runs.
        needs: bytes by placement; placements that are missing are not considered.
        free: free bytes; measured if None.
    """
    candidates = [placement for placement in placements(device) if placement in needs] or [Placement(device)]
    free = free_bytes(device) if free is None else free
    fitting = [one for one in candidates if free is not None and needs.get(one, 0) <= SHARE * free]
    return fitting[0] if fitting else candidates[-1]
