"""Load the face networks from disk."""

from __future__ import annotations

from pathlib import Path

import torch

from losses.faces.detector import Detector
from losses.faces.find import FaceFinder
from losses.faces.landmarks import Landmarks
from losses.faces.network import FaceNetwork
from losses.faces.person import PersonSegmenter
from losses.faces.recognition import Recognition
from losses.faces.stored import fill, read_config

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "faces"


def load_finder(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> FaceFinder:
    """Detector and landmark network of a folder, frozen.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a file is damaged; the message names it.
    """
    folder = Path(folder)
    finder = FaceFinder(fill(Detector(), folder / "detector"), fill(Landmarks(), folder / "landmarks"))
    return finder.to(device=device, dtype=dtype).eval()


def load_recognition(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> Recognition:
    """The recognition network of a folder, frozen.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a file is damaged; the message names it.
    """
    return fill(Recognition(), Path(folder) / "recognition").to(device=device, dtype=dtype)


def load_segmenter(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> PersonSegmenter:
    """The segmentation of people of a folder, frozen.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a file is damaged; the message names it.
    """
    return fill(PersonSegmenter(), Path(folder) / "person").to(device=device, dtype=dtype)


def load_face_network(
    folder: str | Path = DEFAULT_FOLDER, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
) -> FaceNetwork:
    """The three networks of a folder as one `FaceNetwork`, frozen, for `losses.Identity(network, reference)`.

    Args:
        folder: output folder of `python -m losses.faces.convert`; by default that of this repository.
        device: device of the networks.
        dtype: torch.float32, or torch.float64 for exact checks.

    Raises:
        FileNotFoundError: a file is missing; the message names it.
        ValueError: a file is damaged; the message names it.
    """
    folder = Path(folder)
    thresholds = read_config(folder / "recognition").get("thresholds")
    if not isinstance(thresholds, dict):
        raise ValueError("recognition/config.json has no thresholds: get the folder again")
    finder, recognition = load_finder(folder, device, dtype), load_recognition(folder, device, dtype)
    return FaceNetwork(finder, recognition, thresholds).eval()
