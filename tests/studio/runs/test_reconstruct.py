from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.cancellation import CancelToken
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.runs.events import Progress
from studio.runs.reconstruct import Reconstruction, reconstruct
from studio.runs.request import Request


def test_the_sde_returns_the_picture_and_both_are_measured_without_a_gradient(
    model: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    *moving, found = reconstruct(model, request_for(order=2), cancel_token)
    assert isinstance(found, Reconstruction)
    assert all(isinstance(event, Progress) and event.phase == "encode" for event in moving)
    assert found.by_sde.round_trip.exact
    assert found.by_sde.image.tobytes() == found.before.tobytes()
    assert found.by_sde.calls > 0 < found.by_ode.calls


@pytest.mark.slow
def test_the_ode_of_the_embedded_model_loses_a_little(cancel_token: CancelToken) -> None:
    model = embedded()
    request = Request.checked({"prompt": "a face", "sampling_steps": 8}, examples()[0], None, model.size)
    *_, found = reconstruct(model, request, cancel_token)
    assert isinstance(found, Reconstruction)
    assert found.by_sde.round_trip.exact
    assert 0 < found.by_ode.round_trip.largest < 64


def test_a_reconstruction_that_is_stopped_has_no_result(
    model: Model, request_for: Callable[..., Request], tmp_path: Path
) -> None:
    stop = CancelToken(tmp_path / "stop")
    events = reconstruct(model, request_for(), stop)
    next(events)
    stop.set()
    assert not any(isinstance(event, Reconstruction) for event in events)
