"""The face networks from disk."""

from __future__ import annotations

from pathlib import Path

import torch

from losses.faces.detector import Detector
from losses.faces.find import FaceFinder
from losses.faces.landmarks import Landmarks
from losses.faces.network import FaceNetwork
from losses.faces.recognition import Recognition
from losses.faces.stored import fill, read_config

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "faces"


def load_finder(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> FaceFinder:
    """Detector and landmarks of a folder, frozen.

    Raises:
        FileNotFoundError: naming the file that is missing.
        ValueError: naming the file that is damaged.
    """
    folder = Path(folder)
    finder = FaceFinder(fill(Detector(), folder / "detector"), fill(Landmarks(), folder / "landmarks"))
    return finder.to(device=device, dtype=dtype).eval()


def load_recognition(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> Recognition:
    """The recognition network of a folder, frozen.

    Raises:
        FileNotFoundError: naming the file that is missing.
        ValueError: naming the file that is damaged.
    """
    return fill(Recognition(), Path(folder) / "recognition").to(device=device, dtype=dtype)


def load_face_network(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> FaceNetwork:
    """All three networks of a folder as one, frozen; `losses.Identity(network, reference)` takes it as it is.

    Args:
        folder: what `python -m losses.faces.convert` wrote; by default the one that comes with this repository.
        device: where the networks live.
        dtype: torch.float32, or torch.float64 for exact checks.

    Raises:
        FileNotFoundError: naming the file that is missing.
        ValueError: naming the file that is damaged.
    """
    folder = Path(folder)
    thresholds = read_config(folder / "recognition").get("thresholds")
    if not isinstance(thresholds, dict):
        raise ValueError("recognition/config.json holds no thresholds: get the folder again")
    finder, recognition = load_finder(folder, device, dtype), load_recognition(folder, device, dtype)
    return FaceNetwork(finder, recognition, thresholds).eval()
