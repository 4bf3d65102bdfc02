"""`LoadOptions`: options of a model that is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadOptions:
    """Options of a model.

    Args:
        prompt: the prompt at which z starts, for text-conditioned models; the entry's if None.
        negative: negative prompt of the guidance.
        guidance: scale of classifier-free guidance; the entry's if None, 1 for none.
        label: the class at which z starts, for class-conditional models.
        clip: "name/pretrained" of open_clip, or a folder; the device's default if empty.
        faces: folder or ONNX file of a face network.
        held_out: the same, of face networks for measuring only.
        held_out_clip: the same as `clip`, of a CLIP for measuring only.
        tiny: folder of an AutoencoderTiny for quick previews.
        full_precision: float32, whatever the memory; by default the fastest placement that fits.
    """

    prompt: str | None = None
    negative: str = ""
    guidance: float | None = None
    label: int = 0
    clip: str = ""
    faces: Path | None = None
    held_out: tuple[Path, ...] = ()
    held_out_clip: str = ""
    tiny: Path | None = None
    full_precision: bool = False
