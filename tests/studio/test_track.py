import torch

from studio.events import Point
from studio.track import Track


def test_the_best_is_the_lowest_and_the_first_of_equals() -> None:
    track = Track()
    for step, total in enumerate([0.9, 0.4, 0.7, 0.4]):
        track.add(Point(step, total, {}, {}), torch.full((1, 3, 2, 2), float(step)))
    assert track.best is not None
    assert track.best.step == 1
    assert track.image is not None
    assert track.image.mean() == 1


def test_a_curve_handed_out_does_not_grow() -> None:
    track = Track()
    before = track.curve
    track.add(Point(0, 1.0, {}, {}), torch.zeros(1, 3, 2, 2))
    assert (len(before), len(track.curve)) == (0, 1)
