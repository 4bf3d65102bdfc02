"""`Placement`: on which device, in which precision, and which ways of saving memory; chosen by what fits.

cheapest first    keep everything
                  half precision (cotangents are scaled, see adjointdeis.precision)
                  compute blocks again on the way back      + one third of the time
                  guidance in two calls instead of one      + one half
                  slice the attention, decode in tiles      the last resort
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from adjointdeis.gradients.memory import free_bytes

SHARE = 0.85
"""Of the free memory, how much may be planned for: allocators lose some, and estimates are not exact."""
OVERHEAD = 600 * 2**20
"""What a GPU's context and libraries take before the first tensor."""


@dataclass(frozen=True)
class Footprint:
    """Bytes by part.

    Args:
        weights: of the denoiser and the autoencoder.
        step: one network call and its gradient.
        decode: the decoder and its gradient; 0 for pixel models.
        state: one x_t in float32.
    """

    weights: int
    step: int
    decode: int
    state: int

    def total(self, steps: int = 20) -> int:
        """Of a run with N = `steps`, without the networks of the losses."""
        return self.weights + 5 * steps * self.state + max(self.step, self.decode)


@dataclass(frozen=True)
class Placement:
    """How a model is held.

    Args:
        device: where.
        half: weights of the denoiser in half precision; states and steps stay in float32.
        again: compute blocks again on the way back, in the denoiser and in the decoder.
        together: both branches of guidance in one call.
        sliced: attention in slices, and the decoder in tiles.
        compiled: backend of torch.compile for the denoiser, such as "inductor"; None leaves it as it is.
    """

    device: torch.device
    half: bool = False
    again: bool = False
    together: bool = True
    sliced: bool = False
    compiled: str | None = None

    @property
    def dtype(self) -> torch.dtype:
        """Of the denoiser's weights: bfloat16 has float32's range, where a card has it; else float16."""
        if not self.half:
            return torch.float32
        return torch.bfloat16 if self.device.type != "cuda" or torch.cuda.is_bf16_supported() else torch.float16

    def __str__(self) -> str:
        ways = {
            "half precision": self.half,
            "blocks computed again": self.again,
            "guidance in two calls": not self.together,
            "sliced and tiled": self.sliced,
        }
        return ", ".join([str(self.device), *(way for way, used in ways.items() if used)])


def best_device(mps: bool = True) -> torch.device:
    """A GPU if there is one.

    Args:
        mps: whether Apple's GPUs count. The app excludes them, because it was never tested on them.
    """
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if mps and torch.backends.mps.is_available() else "cpu")


def ladder(device: torch.device) -> tuple[Placement, ...]:
    """All placements on a device, the fastest first. A CPU stays in float32: half precision is slower there."""
    plain = Placement(device)
    half = replace(plain, half=device.type != "cpu")
    again = replace(half, again=True)
    apart = replace(again, together=False)
    return tuple(dict.fromkeys((plain, half, again, apart, replace(apart, sliced=True))))


def choose(device: torch.device, needs: dict[Placement, int], free: int | None = None) -> Placement:
    """The fastest placement that fits.

    Args:
        device: where.
        needs: bytes by placement, of `ladder`; those that are missing are not tried.
        free: bytes; measured if None. Where nobody can tell, the most frugal one is taken.
    """
    rungs = [rung for rung in ladder(device) if rung in needs] or [Placement(device)]
    free = free_bytes(device) if free is None else free
    fitting = [rung for rung in rungs if free is not None and needs.get(rung, 0) <= SHARE * free]
    return fitting[0] if fitting else rungs[-1]
