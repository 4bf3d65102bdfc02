import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from threading import Timer

import pytest
import torch
from torch import Tensor

from studio.events import Event, Outcome, Progress
from studio.messages import UserError
from studio.model import Model
from studio.pace import Pace
from studio.request import Request
from studio.run import steer
from studio.settings import NEEDS_SECOND_PICTURE, GradientName, LossName, Mode, Variables
from studio.stops import Flag

Make = Callable[..., Request]


def outcome(events: list[Event]) -> Outcome:
    assert isinstance(events[-1], Outcome)
    return events[-1]


def slowed(model: Model, seconds: float) -> Model:
    """The same model with slower network calls."""

    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        time.sleep(seconds)
        return model.network(t, x, z)

    return dataclasses.replace(model, network=network)


def test_events_count_both_phases_to_their_ends(model: Model, request_for: Make, flag: Flag) -> None:
    *progress, last = steer(model, request_for(noise_level=1.0), flag)
    assert isinstance(last, Outcome)
    assert [(e.phase, e.step, e.steps) for e in progress if isinstance(e, Progress)] == [
        *(("encode", step, 5) for step in range(1, 6)),
        *(("optimise", step, 3) for step in range(4)),
    ]


def test_every_event_holds_the_whole_curve_so_far(model: Model, request_for: Make, flag: Flag) -> None:
    optimising = [e for e in steer(model, request_for(), flag) if isinstance(e, Progress) and e.phase == "optimise"]
    assert [len(event.curve) for event in optimising] == [1, 2, 3, 4]


@pytest.mark.parametrize("mode", ["sde", "ode"])
@pytest.mark.parametrize("loss", ["clip_text", "clip_directional", "clip_image", "identity", "morph"])
def test_every_loss_falls_in_both_modes(
    model: Model, request_for: Make, save_picture: Callable[..., Path], flag: Flag, loss: LossName, mode: Mode
) -> None:
    second = save_picture("second.png", colour="navy") if loss in NEEDS_SECOND_PICTURE else None
    request = request_for(second, loss=loss, mode=mode, closeness=0.0, optimisation_steps=8, z_rate=0.1)
    found = outcome(list(steer(model, request, flag)))
    assert found.best.total < found.curve[0].total
    assert set(found.best.similarity) == set(found.curve[0].similarity) != set()


@pytest.mark.parametrize("variables", ["both", "z", "noise"])
@pytest.mark.parametrize("gradient", ["discrete", "adjoint_1", "adjoint_2", "unrolled"])
def test_every_gradient_method_and_choice_of_variables_runs(
    model: Model, request_for: Make, flag: Flag, gradient: GradientName, variables: Variables
) -> None:
    found = outcome(list(steer(model, request_for(gradient=gradient, variables=variables), flag)))
    assert len(found.curve) == 4


def test_the_sde_round_trip_is_exact_to_8_bits(model: Model, request_for: Make, flag: Flag) -> None:
    assert outcome(list(steer(model, request_for(mode="sde"), flag))).round_trip.exact


def test_the_same_request_gives_the_same_picture(model: Model, request_for: Make, flag: Flag) -> None:
    first, again = (outcome(list(steer(model, request_for(seed=7), flag))).after.tobytes() for _ in range(2))
    other = outcome(list(steer(model, request_for(seed=8), flag))).after.tobytes()
    assert first == again != other


def test_the_best_step_is_kept_not_the_last(model: Model, request_for: Make, flag: Flag) -> None:
    request = request_for(z_rate=0.5, noise_rate=0.1, optimisation_steps=10, closeness=0.0, optimiser="adam")
    found = outcome(list(steer(model, request, flag)))
    assert found.best.total == min(point.total for point in found.curve)


def test_stop_ends_within_a_network_call_and_keeps_the_best(model: Model, request_for: Make, flag: Flag) -> None:
    events: list[Event] = []
    stopped_at = 0.0
    for event in steer(slowed(model, 0.05), request_for(optimisation_steps=100), flag):
        events.append(event)
        if isinstance(event, Progress) and len(event.curve) == 3:
            # in the middle of a pass, not between two
            Timer(0.12, flag.set).start()
            stopped_at = time.perf_counter() + 0.12
    assert time.perf_counter() - stopped_at < 0.2
    found = outcome(events)
    assert found.stopped
    assert len(found.curve) == 3


def test_stop_before_the_first_sample_leaves_nothing(model: Model, request_for: Make, flag: Flag) -> None:
    flag.set()
    assert list(steer(model, request_for(), flag)) == []


def test_seconds_left_are_unknown_once_and_forecast_afterwards(model: Model, request_for: Make, flag: Flag) -> None:
    pace = Pace()
    first = [e.seconds_left for e in steer(model, request_for(), flag, pace) if isinstance(e, Progress)]
    assert first[0] is None
    second = [e.seconds_left for e in steer(model, request_for(), flag, pace) if isinstance(e, Progress)]
    assert None not in second
    assert second[0] > second[-1] >= 0


def test_network_calls_are_counted(model: Model, request_for: Make, flag: Flag) -> None:
    # encode 5, then 3 updates of 5 calls forwards and 5 backwards, then the last sample's 5
    assert outcome(list(steer(model, request_for(noise_level=1.0), flag))).calls == 5 + 3 * (5 + 5) + 5


def test_two_equal_texts_are_a_users_mistake(model: Model, request_for: Make, flag: Flag) -> None:
    request = request_for(loss="clip_directional", prompt="a face", source_text="a face")
    with pytest.raises(UserError, match="mean the same"):
        list(steer(model, request, flag))


def test_the_gradient_mode_is_left_alone(model: Model, request_for: Make, flag: Flag) -> None:
    for _ in steer(model, request_for(), flag):
        assert torch.is_grad_enabled()
