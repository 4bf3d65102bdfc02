import math

import pytest
import torch

from losses.faces.detector import boxes, detect
from losses.faces.pixels import pad_to_square, resize_corners
from tests.losses.faces.pictures import SIZES, as_image


@pytest.mark.slow
def test_raw_predictions_are_those_of_the_package(network, shown, recorded):
    for name, pixels in shown.items():
        for size in SIZES:
            theirs = torch.tensor(recorded[name]["raw"][str(size)])
            ours = network.finder.detector(resize_corners(pad_to_square(as_image(pixels), centre=False), size))
            assert ours.shape == (1, size // 32, size // 32, 5, 5)
            assert (ours.flatten()[: len(theirs)] - theirs).abs().max() < 1e-3, name


@pytest.mark.slow
def test_boxes_and_scores_are_those_of_the_package(network, shown, recorded):
    compared = 0
    for name, pixels in shown.items():
        for size in SIZES:
            theirs = recorded[name]["faces"][str(size)]
            corners, scores = detect(network.finder.detector, as_image(pixels), size)
            assert len(corners) == len(theirs), name
            for box, score, expected in zip(corners.tolist(), scores.tolist(), theirs, strict=True):
                assert box == pytest.approx(expected["box"], abs=0.01)
                assert score == pytest.approx(expected["score"], abs=1e-5)
                compared += 1
    assert compared >= 6


def test_a_prediction_is_a_box_around_a_cell():
    raw = torch.zeros(4, 4, 5, 5)
    raw[..., 4] = -9
    raw[1, 2, 0] = torch.tensor([0, 0, math.log(2), 0, 9.0])
    corners, scores = boxes(raw)
    best = corners[scores.argmax()].tolist()
    middle = (best[0] + best[2]) / 2, (best[1] + best[3]) / 2
    assert middle == (pytest.approx(2.5 / 4), pytest.approx(1.5 / 4))
    assert best[2] - best[0] == pytest.approx(2 * 1.603231 / 4)
    assert best[3] - best[1] == pytest.approx(2.094468 / 4)


@pytest.mark.parametrize("shape", [(1, 3, 160, 192), (1, 3, 150, 150)])
def test_a_side_that_is_not_a_multiple_of_a_cell_is_refused(network, shape):
    with pytest.raises(ValueError, match="in steps of 32"):
        network.finder.detector(torch.zeros(shape))
