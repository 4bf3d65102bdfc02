import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
import torch
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.settings import GradientName, LossName, Mode, Variables
from studio.models.interface import Model
from studio.runs.events import Event, Outcome, Progress
from studio.runs.measures.cost import CostModel
from studio.runs.measures.memory import need
from studio.runs.request import Request
from studio.runs.sampling import sampler_for
from studio.runs.steer import steer

Make = Callable[..., Request]


def outcome(events: list[Event]) -> Outcome:
    assert isinstance(events[-1], Outcome)
    return events[-1]


def slowed(model: Model, seconds: float, calls: list[int]) -> Model:
    """The same model with slower network calls, each of which is noted when it begins."""

    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        calls.append(1)
        time.sleep(seconds)
        return model.network(t, x, z)

    return dataclasses.replace(model, network=network)


def test_events_count_both_phases_to_their_ends(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    *progress, last = steer(model, request_for(noise_level=1.0), cancel_token)
    assert isinstance(last, Outcome)
    assert [(e.phase, e.step, e.steps) for e in progress if isinstance(e, Progress)] == [
        *(("encode", step, 5) for step in range(1, 6)),
        *(("optimise", step, 3) for step in range(4)),
    ]


def test_every_event_holds_the_whole_curve_so_far(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    optimising = [
        e for e in steer(model, request_for(), cancel_token) if isinstance(e, Progress) and e.phase == "optimise"
    ]
    assert [len(event.curve) for event in optimising] == [1, 2, 3, 4]


def test_the_picture_of_an_update_is_there_before_its_loss(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    early: list[Progress] = []
    seen: list[int] = []
    points = []
    for event in steer(model, request_for(), cancel_token, early=early.append):
        if isinstance(event, Progress) and event.phase == "optimise":
            seen.append(len(early))
            points.append(event)
    assert seen == [0, 1, 2, 3]
    assert [(one.step, len(one.curve)) for one in early] == [(1, 1), (2, 2), (3, 3)]
    for one, event in zip(early, points[1:], strict=True):
        assert one.image.tobytes() == event.image.tobytes()
        assert one.calls < event.calls or event.step == 3  # the last update has no gradient


def test_a_picture_that_is_not_finite_is_not_shown_early(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    failures: list[float] = []

    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        return model.network(t, x, z) * (failures.pop() if failures else 1.0)

    early: list[Progress] = []
    request = request_for(optimisation_steps=1)
    for event in steer(dataclasses.replace(model, network=network), request, cancel_token, early=early.append):
        if isinstance(event, Progress) and (event.phase, event.step) == ("optimise", 0):
            failures.append(float("nan"))
    assert not failures
    assert isinstance(event, Outcome)
    assert [one.image.tobytes() for one in early] == [event.frames[1].tobytes()]


@pytest.mark.parametrize("mode", ["sde", "ode"])
@pytest.mark.parametrize("loss", ["clip_text", "edit", "clip_directional", "clip_image", "identity", "morph"])
def test_every_loss_falls_in_both_modes(
    model: Model,
    request_for: Make,
    save_picture: Callable[..., Path],
    cancel_token: CancelToken,
    loss: LossName,
    mode: Mode,
) -> None:
    second = save_picture("second.png", colour="navy") if "second_picture" in GOALS[loss].requires else None
    request = request_for(second, loss=loss, mode=mode, closeness=0.0, optimisation_steps=8, z_rate=0.1)
    found = outcome(list(steer(model, request, cancel_token)))
    assert found.best.total < found.curve[0].total
    assert set(found.best.similarity) == set(found.curve[0].similarity) != set()


@pytest.mark.parametrize("variables", ["both", "z", "noise"])
@pytest.mark.parametrize("gradient", ["discrete", "adjoint_1", "adjoint_2", "unrolled"])
def test_every_gradient_method_and_choice_of_variables_runs(
    model: Model, request_for: Make, cancel_token: CancelToken, gradient: GradientName, variables: Variables
) -> None:
    found = outcome(list(steer(model, request_for(gradient=gradient, variables=variables), cancel_token)))
    assert len(found.curve) == 4


def test_the_sde_round_trip_is_exact_to_8_bits(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    assert outcome(list(steer(model, request_for(mode="sde"), cancel_token))).round_trip.exact


def test_the_same_request_gives_the_same_picture(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    first, again, other = (
        outcome(list(steer(model, request_for(loss="clip_text", seed=seed, z_rate=0.1), cancel_token))).after.tobytes()
        for seed in (7, 7, 8)
    )
    assert first == again != other


def test_the_best_step_is_kept_not_the_last(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    request = request_for(z_rate=0.5, noise_rate=0.1, optimisation_steps=10, closeness=0.0, optimiser="adam")
    found = outcome(list(steer(model, request, cancel_token)))
    assert found.best.total == min(point.total for point in found.curve)


@pytest.mark.slow
def test_stop_ends_within_a_network_call_and_keeps_the_best(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    events: list[Event] = []
    calls: list[int] = []
    stopped_at: list[int] = []
    counted = slowed(model, 0.05, calls)

    def stop() -> None:
        cancel_token.set()
        stopped_at.append(len(calls))

    for event in steer(counted, request_for(optimisation_steps=100), cancel_token):
        events.append(event)
        if isinstance(event, Progress) and len(event.curve) == 3:
            # in the middle of a pass, not between two
            Timer(0.12, stop).start()
    # the call under way ends, and one may have begun between the flag and the count
    assert len(calls) <= stopped_at[0] + 1
    found = outcome(events)
    assert found.stopped
    assert len(found.curve) == 3


def test_stop_before_the_first_sample_leaves_nothing(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    cancel_token.set()
    assert list(steer(model, request_for(), cancel_token)) == []


def test_seconds_left_are_unknown_once_and_forecast_afterwards(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    cost_model = CostModel()
    first = [e.seconds_left for e in steer(model, request_for(), cancel_token, cost_model) if isinstance(e, Progress)]
    assert first[0] is None
    second = [e.seconds_left for e in steer(model, request_for(), cancel_token, cost_model) if isinstance(e, Progress)]
    assert None not in second
    assert second[0] > second[-1] >= 0


def test_network_calls_are_counted(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    # encode 5, then 3 updates of 5 calls forwards and 5 backwards, then the last sample's 5
    assert outcome(list(steer(model, request_for(noise_level=1.0), cancel_token))).calls == 5 + 3 * (5 + 5) + 5


@pytest.mark.parametrize("gradient", ["discrete", "adjoint_1", "adjoint_2", "unrolled"])
@pytest.mark.parametrize("order", [1, 2])
def test_a_run_makes_as_many_network_calls_as_were_forecast(
    model: Model, request_for: Make, cancel_token: CancelToken, gradient: GradientName, order: int
) -> None:
    request = request_for(gradient=gradient, order=order, sampling_steps=6)
    cost_model = CostModel()
    forecast = cost_model.cost(request.settings, sampler_for(model, request.settings).steps).calls
    assert outcome(list(steer(model, request, cancel_token, cost_model))).calls == forecast


def test_an_odes_calls_are_forecast_from_the_run_before(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    request, cost_model = request_for(mode="ode"), CostModel(inversion=1.0)
    calls = [outcome(list(steer(model, request, cancel_token, cost_model))).calls for _ in range(6)]
    assert cost_model.cost(request.settings, 5).calls == pytest.approx(calls[-1], abs=3)


def test_order_2_comes_back_exactly_too(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    assert outcome(list(steer(model, request_for(order=2), cancel_token))).round_trip.exact


def test_every_step_and_the_path_to_the_best_one_can_be_looked_at(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    found = outcome(list(steer(model, request_for(noise_level=1.0), cancel_token)))
    assert len(found.frames) == len(found.curve) == 4
    assert found.frames[found.best.step].tobytes() == found.after.tobytes()
    assert found.path is not None
    assert len(found.path.states) == len(found.path.estimates) == 5
    assert list(found.path.noise) == sorted(found.path.noise, reverse=True)


def test_the_path_belongs_to_the_best_step(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    # steps so large that the last one is not the best
    request = request_for(z_rate=1.0, noise_rate=1.0, optimisation_steps=6, closeness=10.0)
    found = outcome(list(steer(model, request, cancel_token)))
    assert found.best.step < 6
    assert found.path is not None
    last = np.asarray(found.path.estimates[-1], dtype=float)
    distances = [float(np.abs(np.asarray(frame, dtype=float) - last).mean()) for frame in found.frames]
    assert min(range(7), key=distances.__getitem__) == found.best.step


def test_the_path_costs_no_network_call_and_is_there_after_stop(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    events: list[Event] = []
    for event in steer(model, request_for(optimisation_steps=100), cancel_token):
        events.append(event)
        if isinstance(event, Progress) and len(event.curve) == 2:
            cancel_token.set()
    found = outcome(events)
    assert found.stopped
    assert found.path is not None
    assert len(found.path.states) == 5


def test_memory_is_told_on_the_way_and_learned_for_the_next_forecast(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    cost_model = CostModel(need=need(model))
    events = list(steer(model, request_for(), cancel_token, cost_model))
    assert all(event.memory > 0 for event in events if isinstance(event, Progress))
    forecast = cost_model.cost(request_for().settings, 5).memory
    assert forecast == pytest.approx(outcome(events).memory, rel=0.01)


def test_the_terms_of_a_mix_have_a_curve_each_and_add_up(
    model: Model, request_for: Make, save_picture: Callable[..., Path], cancel_token: CancelToken
) -> None:
    weights = {"mix_text": 1.0, "mix_direction": 0.5, "mix_picture": 0.25, "mix_person": 2.0, "mix_same": 0.125}
    request = request_for(save_picture("second.png", colour="navy"), loss="mix", closeness=3.0, **weights)
    for point in outcome(list(steer(model, request, cancel_token))).curve:
        assert list(point.terms) == ["text", "direction", "reference", "identity", "same person", "closeness"]
        total = sum(w * v for w, v in zip([*weights.values(), 3.0], point.terms.values(), strict=True))
        assert point.total == pytest.approx(total, rel=1e-4)
        assert len(point.similarity) == 4


def test_staying_the_same_person_keeps_the_face_closer(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    free = {"closeness": 0.0, "optimisation_steps": 12, "z_rate": 0.1, "optimiser": "adam"}
    likeness = []
    for weight in (0.001, 5.0):
        found = outcome(list(steer(model, request_for(loss="mix", mix_same=weight, **free), cancel_token)))
        likeness.append(found.curve[-1].similarity["Match with the first face"])
    assert likeness[1] > likeness[0]


def test_two_equal_texts_are_a_users_mistake(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    request = request_for(loss="clip_directional", prompt="a face", source_text="a face")
    with pytest.raises(UserError, match="mean the same"):
        list(steer(model, request, cancel_token))


def test_the_gradient_mode_is_left_alone(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    for _ in steer(model, request_for(), cancel_token):
        assert torch.is_grad_enabled()
