import torch
from PIL import Image

from studio.runs.events import CurvePoint
from studio.runs.measures.history import PATIENCE, RunHistory
from studio.runs.measures.monitored import Call


def frame(step: int) -> Image.Image:
    return Image.new("RGB", (2, 2), (step, step, step))


def test_the_best_is_the_lowest_and_the_first_of_equals() -> None:
    track = RunHistory()
    for step, total in enumerate([0.9, 0.4, 0.7, 0.4]):
        x = torch.full((1, 3, 2, 2), float(step))
        track.add(CurvePoint(step, total, {}, {}), frame(step), [Call(x, x)])
    assert track.best is not None
    assert track.best.step == 1
    assert track.best_image is not None
    assert track.best_image.getpixel((0, 0)) == (1, 1, 1)
    assert track.best_calls[0].state.mean() == 1


def test_every_picture_is_kept_in_order() -> None:
    track = RunHistory()
    for step in range(3):
        track.add(CurvePoint(step, 1.0, {}, {}), frame(step))
    assert [picture.getpixel((0, 0))[0] for picture in track.frames] == [0, 1, 2]


def test_a_curve_handed_out_does_not_grow() -> None:
    track = RunHistory()
    before = track.curve
    track.add(CurvePoint(0, 1.0, {}, {}), frame(0))
    assert (len(before), len(track.curve)) == (0, 1)


def points(track: RunHistory, steps: list[tuple[float, float]]) -> None:
    for step, (goal, total) in enumerate(steps):
        track.add(CurvePoint(step, total, {"goal": goal}, {}), frame(step))


def test_a_point_that_meets_the_goal_is_better_than_any_that_does_not() -> None:
    track = RunHistory({"goal": 0.1, "goal in the code": 0.1})
    points(track, [(2.0, 3.0), (0.05, 0.9), (0.3, 0.4), (0.1, 0.8)])
    assert track.best is not None
    assert track.best.step == 3


def test_a_run_is_finished_when_the_goal_is_met_and_nothing_improves() -> None:
    track = RunHistory({"goal": 0.1})
    points(track, [(0.0, 1.0), *[(0.0, 0.99)] * (PATIENCE - 1)])
    assert not track.finished
    points(track, [(0.0, 0.99)])
    assert track.finished


def test_a_met_goal_that_keeps_enough_ends_a_run_at_once() -> None:
    def run(*steps: tuple[float, float]) -> RunHistory:
        track = RunHistory({"goal": 0.1}, {"kept": 0.25, "same person": 0.35})
        for step, (goal, kept) in enumerate(steps):
            track.add(CurvePoint(step, goal + kept, {"goal": goal, "kept": kept}, {}), frame(step))
        return track

    assert not run((2.0, 0.0), (0.0, 0.3)).finished
    track = run((2.0, 0.0), (0.0, 0.3), (0.05, 0.25))
    assert track.finished
    assert track.best is not None
    assert track.best.step == 2
    assert not track.improving
    assert run((2.0, 0.0), (0.0, 0.3)).improving
    assert not RunHistory({"goal": 0.1}, {"another term": 1.0}).finished


def test_a_loss_without_a_satisfied_point_never_finishes() -> None:
    track = RunHistory()
    points(track, [(0.0, 1.0)] * 20)
    assert not track.finished
