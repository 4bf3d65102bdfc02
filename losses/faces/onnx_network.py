"""Any face network in ONNX (of the kinds of ArcFace, AdaFace, SFace) as a `FaceNetwork`.

    E(p) = f(scale (p - mean)),   p the face cut out by the ArcFace template, 0..255, RGB or BGR

`net.onnx` may have `net.json` beside it, which says what `OnnxInput` holds; whatever it leaves out is as in ArcFace.
A loss needs a gradient, so that is tried when a network is loaded: the slope of a random projection of E along a
random direction, on the way back and by a central difference.
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
    """What a network expects, and from which similarity on it takes two pictures for one person.

    Args:
        size: side of its input in pixels, 32 to 512.
        colour: order of its channels.
        mean: subtracted from levels 0..255.
        scale: multiplies the difference.
        margin: share of the crop's side that it sees more on all four sides, -0.2 to 1; 0 is the template's own crop.
        thresholds: cosines in [-1, 1] by the names in THRESHOLDS; none, or both.

    Raises:
        ValueError: one of them is out of its range; the sentence says which.
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
            raise ValueError(f"thresholds must have the names {' and '.join(THRESHOLDS)}, or be left out")
        if not all(_is_number(value) and -1 <= value <= 1 for value in given.values()):
            raise ValueError("thresholds must be similarities from -1 to 1")


def read_input(path: Path, size: int | None) -> OnnxInput:
    """What the JSON beside an ONNX file says; `size` is the file's own, where it has one.

    Raises:
        ValueError: it is no JSON object of these keys, or contradicts the file.
    """
    beside = path.with_suffix(".json")
    try:
        told: Any = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    except ValueError as error:
        raise ValueError(f"{beside.name} is not JSON") from error
    if not isinstance(told, dict) or set(told) - {one.name for one in fields(OnnxInput)}:
        raise ValueError(f"{beside.name} must be an object of the keys {_KEYS}")
    if size and told.get("size", size) != size:
        raise ValueError(f"{beside.name} says size {told['size']}, but {path.name} takes {size}")
    try:
        return OnnxInput(**({"size": size, **told} if size else told))
    except ValueError as error:
        raise ValueError(f"{beside.name}: {error}") from error


class OnnxRecognition(nn.Module):
    """Faces cut out by the template, (b, 3, size, size) in [-1, 1] -> (b, d).

    Args:
        network: of `convert_onnx`; frozen.
        input: what it expects.
        one_by_one: whether it takes only one face at a time.
    """

    def __init__(self, network: nn.Module, input: OnnxInput, one_by_one: bool = False) -> None:
        super().__init__()
        self.network, self.input, self.one_by_one = freeze(network), input, one_by_one
        self.size = input.size
        # the template's place needs no parameters, but a module without any cannot be asked for its dtype
        self.register_parameter("like", nn.Parameter(torch.zeros(()), requires_grad=False))

    def place(self, points: Tensor) -> Square:
        """By the ArcFace template, with the margin."""
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
    """A `FaceNetwork` of an ONNX file, with the detector and landmarks of a folder, frozen.

    Raises:
        ImportError: onnx or onnx2torch is not installed.
        FileNotFoundError: a file is missing.
        ValueError: the file cannot be read or converted, has no gradient, or its JSON is wrong.
    """
    path = Path(path)
    model = read_onnx(path)
    try:
        size = input_size(model)
    except ValueError as error:
        raise ValueError(f"{path.name} is no face network: {error}") from error
    told = read_input(path, size)
    recognition = OnnxRecognition(convert_onnx(model, path.name), told)
    _check_output(recognition, path.name)
    recognition.one_by_one = not _takes_two(recognition)
    check_gradient(recognition, path.name, flat_operators(model))
    network = FaceNetwork(load_finder(finder, device), recognition.to(device), told.thresholds)
    return freeze(network)


def check_gradient(recognition: OnnxRecognition, name: str, flat: list[str]) -> None:
    """Nothing, where the gradient is the slope of the network: to 1e-3 in double precision, 0.1 in single.

    Raises:
        ValueError: it is not; names the operators through which nothing passes.
    """
    try:
        exact, found = _slopes(recognition.double(), torch.float64, 1e-7)
        tolerance = 1e-3
    except RuntimeError:  # an operator insists on float32
        exact, found = _slopes(recognition.float(), torch.float32, 2e-3)
        tolerance = 0.1
    finally:
        recognition.float()
    without = f"; no gradient passes through {', '.join(flat)}" if flat else ""
    if found is None or exact is None:
        raise ValueError(f"{name} has no gradient with respect to its picture{without}")
    if not (abs(exact) < float("inf") and abs(found) < float("inf")):
        raise ValueError(f"{name} has a gradient that is not finite{without}")
    if abs(exact - found) > tolerance * max(abs(exact), abs(found)) or not found:
        raise ValueError(f"{name} has a wrong gradient: {found:.3g} where its slope is {exact:.3g}{without}")


def _slopes(recognition: OnnxRecognition, dtype: torch.dtype, h: float) -> tuple[float | None, float | None]:
    """By a central difference, and on the way back; None without a way back."""
    chance = torch.Generator().manual_seed(0)
    side = recognition.size
    coarse = torch.rand((1, 3, 8, 8), generator=chance)
    face = nn.functional.interpolate(coarse, (side, side), mode="bilinear").to(dtype) * 1.6 - 0.8
    face = face + 0.05 * torch.randn(face.shape, generator=chance).to(dtype)
    along = torch.randn(face.shape, generator=chance).to(dtype)
    with torch.no_grad():
        start = unit(recognition(face))
        onto = torch.randn(start.shape, generator=chance).to(dtype)
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
        raise ValueError(f"{name} does not run on a picture of {recognition.size} x {recognition.size}") from error
    if out.shape[0] != 1 or out.shape[1] < 2:
        raise ValueError(f"{name} must answer with one row of numbers a face; it answers {tuple(out.shape)}")


@torch.no_grad()
def _takes_two(recognition: OnnxRecognition) -> bool:
    """Whether two faces at once give what they give one by one; an export of one face may refuse, or mix them."""
    pair = torch.rand((2, 3, recognition.size, recognition.size), generator=torch.Generator().manual_seed(1)) * 2 - 1
    try:
        together = recognition(pair)
    except (RuntimeError, ValueError, IndexError):
        return False
    alone = torch.cat([recognition(one[None]) for one in pair])
    return together.shape == alone.shape and torch.allclose(together, alone, atol=1e-4, rtol=1e-3)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
