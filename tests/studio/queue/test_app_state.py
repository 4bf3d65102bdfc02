from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.queue.app_state import Studio, Task
from studio.runs.compare import Comparison
from studio.runs.events import Outcome, Progress, Waiting
from studio.runs.measures.cost import CostModel
from studio.runs.morph import Morphed, Morphing
from studio.runs.request import Request

Make = Callable[..., Request]


@pytest.fixture
def studio(model: Model) -> Studio:
    return Studio(model, cost_model=CostModel(call=0.1, updates={"discrete": 0.2}))


@pytest.fixture
def two_faces(request_for: Make, save_picture: Callable[..., Path]) -> Request:
    return request_for(save_picture("second.png", colour="navy"), loss="morph", prompt="")


def test_each_kind_of_task_streams_the_events_of_its_run(
    studio: Studio, request_for: Make, two_faces: Request, tmp_path: Path
) -> None:
    tasks = (
        (Task("steer", request_for()), {Progress}, Outcome),
        (Task("morph", two_faces), {Morphing}, Morphed),
        (Task("compare", request_for(), ("discrete", "adjoint_1")), {Comparison}, Comparison),
    )
    for task, moving, end in tasks:
        *events, last = [e for e in studio.stream(task, CancelToken(tmp_path / task.kind)) if e is not None]
        assert {type(event) for event in events} <= {Waiting, *moving}
        assert isinstance(last, end)


def test_a_comparison_is_forecast_by_all_its_methods(studio: Studio, request_for: Make) -> None:
    one = studio.forecast(Task("compare", request_for(), ("discrete",)))
    two = studio.forecast(Task("compare", request_for(), ("discrete", "discrete")))
    assert one is not None
    assert two == pytest.approx(2 * one)


def test_a_task_takes_the_seconds_of_its_kind(studio: Studio, request_for: Make, two_faces: Request) -> None:
    steered = studio.forecast(Task("steer", request_for()))
    assert steered == studio.cost(request_for().settings).seconds
    assert steered is not None
    assert studio.forecast(Task("morph", two_faces)) == pytest.approx(1.5 * steered)
    # an audit of each method, beside the updates
    assert studio.forecast(Task("compare", request_for(), ("discrete",))) == pytest.approx((1 + 2 / 3) * steered)


def test_before_the_first_measurement_there_is_no_forecast(model: Model, request_for: Make) -> None:
    assert Studio(model).forecast(Task("steer", request_for())) is None
