"""`load_onnx_network`: a face recognition network in ONNX, such as ArcFace, AdaFace or SFace, as a `FaceNetwork`.

    E(p) = f(scale (p - mean)),   p: the face aligned to the ArcFace template, 0..255, RGB or BGR

`net.onnx` may have a `net.json` beside it with the fields of `OnnxInput`; missing fields have ArcFace's values. The
gradient is checked when a network is loaded: the derivative of a random projection of E along a random direction, by
automatic differentiation and by a central difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn

from losses.contract import freeze, unit
from losses.faces.align import Square, template
from losses.faces.load import DEFAULT_FOLDER, load_finder
from losses.faces.network import FaceNetwork
from losses.faces.onnx_file import convert_onnx, flat_operators, input_size, read_onnx
from losses.faces.pixels import levels

Colour = Literal["rgb", "bgr"]
THRESHOLDS = ("fmr_1_percent", "fmr_0.1_percent")
_KEYS = "size, colour, mean, scale, margin, thresholds"


@dataclass(frozen=True)
class OnnxInput:
    """Input format and thresholds of a network.

    Args:
        size: side of the input in pixels, 32 to 512.
        colour: order of the channels.
        mean: subtracted from values in 0..255; 0 to 255.
        scale: factor of the difference, 1e-4 to 10.
        margin: enlargement of the crop on all four sides, as a fraction of its side, -0.2 to 1.
        thresholds: by the names in `THRESHOLDS`, cosines in [-1, 1]; empty, or both.

    Raises:
        ValueError: a value is out of its range; the message gives the name, the range and the value.
    """

    size: int = 112
    colour: Colour = "rgb"
    mean: float = 127.5
    scale: float = 1 / 127.5
    margin: float = 0.0
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = {"mean": (0, 255), "scale": (1e-4, 10), "margin": (-0.2, 1), "size": (32, 512)}
        for name, (low, high) in numbers.items():
            if not (_is_number(value := getattr(self, name)) and low <= value <= high):
                raise ValueError(f"{name} must be a number from {low} to {high}; got {value!r}")
        if self.colour not in get_args(Colour):
            raise ValueError(f"colour must be rgb or bgr; got {self.colour!r}")
        given = self.thresholds
        if not isinstance(given, Mapping) or (given and set(given) != set(THRESHOLDS)):
            raise ValueError(
                f"thresholds must have the names {' and '.join(THRESHOLDS)}, or be left out; got {given!r}"
            )
        if not all(_is_number(value) and -1 <= value <= 1 for value in given.values()):
            raise ValueError(f"thresholds must be similarities from -1 to 1; got {dict(given)!r}")


def read_input(path: Path, size: int | None) -> OnnxInput:
    """The input format in the JSON file beside an ONNX file.

    Args:
        path: the ONNX file.
        size: the side of its input; None if the file leaves it open.

    Raises:
        ValueError: the JSON file is not an object with the fields of `OnnxInput`, or contradicts the ONNX file.
    """
    beside = path.with_suffix(".json")
    try:
        values: Any = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{beside.name} is not JSON") from error
    if not isinstance(values, dict) or set(values) - {one.name for one in fields(OnnxInput)}:
        raise ValueError(f"{beside.name} must be an object of the keys {_KEYS}")
    if size and values.get("size", size) != size:
        raise ValueError(f"{beside.name} gives size {values['size']}, but {path.name} takes {size}: correct it")
    try:
        return OnnxInput(**({"size": size, **values} if size else values))
    except ValueError as error:
        raise ValueError(f"{beside.name}: {error}") from error


class OnnxRecognition(nn.Module):
    """Faces aligned to the template, (b, 3, size, size) in [-1, 1] -> embeddings (b, d).

    Args:
        network: a module of `convert_onnx`; it is frozen.
        input: its input format.
        one_by_one: whether faces are passed one at a time, for networks with a batch size of one.
    """

    def __init__(self, network: nn.Module, input: OnnxInput, one_by_one: bool = False) -> None:
        super().__init__()
        self.network, self.input, self.one_by_one = freeze(network), input, one_by_one
        self.size = input.size
        # gives the module a dtype if the network has no parameters
        self.register_parameter("like", nn.Parameter(torch.zeros(()), requires_grad=False))

    def place(self, points: Tensor) -> Square:
        """The crop for a face with these points (68, 2) in pixels."""
        return template(points).wider(self.input.margin)

    def forward(self, face: Tensor) -> Tensor:
        """See the class."""
        pixels = (levels(face) - self.input.mean) * self.input.scale
        pixels = pixels.flip(1) if self.input.colour == "bgr" else pixels
        parts = torch.split(pixels, 1) if self.one_by_one else (pixels,)
        return torch.cat([self._embed(part) for part in parts])

    def _embed(self, pixels: Tensor) -> Tensor:
        out = self.network(pixels)
        first = out[0] if isinstance(out, (list, tuple)) else out
        return cast(Tensor, first).flatten(1)


def load_onnx_network(
    path: str | Path, finder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu"
) -> FaceNetwork:
    """Load the recognition network of an ONNX file, frozen.

    Args:
        path: the ONNX file.
        finder: folder of the detector and the landmark network.
        device: device of the networks.

    Raises:
        ImportError: onnx or onnx2torch is not installed.
        FileNotFoundError: a file is missing.
        ValueError: the file cannot be read or converted, its gradient is wrong, or its JSON file is invalid.
    """
    path = Path(path)
    model = read_onnx(path)
    try:
        size = input_size(model)
    except ValueError as error:
        raise ValueError(f"{path.name} is not a face network: {error}") from error
    input_format = read_input(path, size)
    recognition = OnnxRecognition(convert_onnx(model, path.name), input_format)
    _check_output(recognition, path.name)
    recognition.one_by_one = not _accepts_batches(recognition)
    check_gradient(recognition, path.name, flat_operators(model))
    network = FaceNetwork(load_finder(finder, device), recognition.to(device), input_format.thresholds)
    return freeze(network)


def check_gradient(recognition: OnnxRecognition, name: str, flat: list[str]) -> None:
    """Compare the gradient with a central difference; tolerance 1e-3 in float64, 0.1 where only float32 works.

    Args:
        recognition: the network.
        name: name of its file, for the message.
        flat: its operators without a gradient, for the message.

    Raises:
        ValueError: there is no gradient, it is not finite, or it differs.
    """
    try:
        exact, found = _slopes(recognition.double(), torch.float64, 1e-7)
        tolerance = 1e-3
    except RuntimeError:  # an operator accepts float32 only
        exact, found = _slopes(recognition.float(), torch.float32, 2e-3)
        tolerance = 0.1
    finally:
        recognition.float()
    without = f"; no gradient passes through {', '.join(flat)}" if flat else ""
    if found is None or exact is None:
        raise ValueError(f"{name} has no gradient with respect to its image{without}")
    if not (abs(exact) < float("inf") and abs(found) < float("inf")):
        raise ValueError(f"{name} has a gradient that is not finite{without}")
    if abs(exact - found) > tolerance * max(abs(exact), abs(found)) or not found:
        raise ValueError(f"{name} has a wrong gradient: {found:.3g}, but its slope is {exact:.3g}{without}")


def _slopes(recognition: OnnxRecognition, dtype: torch.dtype, h: float) -> tuple[float | None, float | None]:
    """The directional derivative by a central difference and by automatic differentiation; None without a gradient."""
    generator = torch.Generator().manual_seed(0)
    side = recognition.size
    coarse = torch.rand((1, 3, 8, 8), generator=generator)
    face = nn.functional.interpolate(coarse, (side, side), mode="bilinear").to(dtype) * 1.6 - 0.8
    face = face + 0.05 * torch.randn(face.shape, generator=generator).to(dtype)
    along = torch.randn(face.shape, generator=generator).to(dtype)
    with torch.no_grad():
        start = unit(recognition(face))
        onto = torch.randn(start.shape, generator=generator).to(dtype)
        ends = [(unit(recognition(face + sign * h * along)) * onto).sum() for sign in (1, -1)]
    face.requires_grad_()
    value = (unit(recognition(face)) * onto).sum()
    if not value.requires_grad:
        return None, None
    (gradient,) = torch.autograd.grad(value, face, allow_unused=True)
    if gradient is None:
        return None, None
    return float(ends[0] - ends[1]) / (2 * h), float((gradient * along).sum())


@torch.no_grad()
def _check_output(recognition: OnnxRecognition, name: str) -> None:
    try:
        out = recognition(torch.zeros(1, 3, recognition.size, recognition.size))
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise ValueError(f"{name} does not run on an image of {recognition.size} x {recognition.size}") from error
    if out.shape[0] != 1 or out.shape[1] < 2:
        raise ValueError(f"{name} must return one embedding per face; its output has shape {tuple(out.shape)}")


@torch.no_grad()
def _accepts_batches(recognition: OnnxRecognition) -> bool:
    """Whether a batch of two gives the same embeddings as one by one; an export with batch size 1 may not."""
    pair = torch.rand((2, 3, recognition.size, recognition.size), generator=torch.Generator().manual_seed(1)) * 2 - 1
    try:
        together = recognition(pair)
    except (RuntimeError, ValueError, IndexError):
        return False
    alone = torch.cat([recognition(one[None]) for one in pair])
    return together.shape == alone.shape and torch.allclose(together, alone, atol=1e-4, rtol=1e-3)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
