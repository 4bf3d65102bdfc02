"""Comparison with the package itself, if node and the package are installed: FACE_API_MODULES is the node_modules
folder.

The recorded results of the other tests were written by the same script.
"""

import os
import shutil
from pathlib import Path

import pytest
import torch

from losses.faces.pixels import pad_to_square, resize_corners
from tests.losses.faces.pictures import as_image, ask_the_package

MODULES = os.environ.get("FACE_API_MODULES", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (MODULES and shutil.which("node")), reason="needs node and FACE_API_MODULES"),
]


@pytest.fixture(scope="module")
def answer(shown):
    return ask_the_package(Path(MODULES), shown)


def test_the_package_gives_the_recorded_results(answer, recorded):
    assert answer["faceapi"] == "1.7.15"
    for name, found in answer["found"].items():
        assert found["descriptor"] == pytest.approx(recorded[name]["descriptor"], abs=1e-5)
        assert found["landmarks"] == [pytest.approx(p, abs=1e-2) for p in recorded[name]["landmarks"]]


def test_all_raw_predictions_of_the_detector_agree(answer, network, shown):
    for name, pixels in shown.items():
        for size, values in answer["found"][name]["raw"].items():
            ours = network.finder.detector(resize_corners(pad_to_square(as_image(pixels), centre=False), int(size)))
            assert (ours.flatten() - torch.tensor(values)).abs().max() < 1e-3, name
