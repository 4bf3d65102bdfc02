from collections.abc import Callable, Generator, Iterator

import pytest
import torch
from torch import Tensor

import studio.runs.base as base_module
from adjointdeis import encode_steps, sample
from studio.core.cancellation import CancelToken
from studio.models.interface import Model
from studio.runs.base import Run, until_cancelled, with_events
from studio.runs.measures.monitored import Cancelled
from studio.runs.request import Request

Make = Callable[..., Request]


def counting(n: int) -> Generator[int, None, str]:
    yield from range(n)
    return "done"


def test_every_state_becomes_an_event_and_the_result_is_passed_on() -> None:
    results: list[str] = []

    def run() -> Iterator[tuple[int, int]]:
        results.append((yield from with_events(counting(3), lambda step, state: (step, state), done=10)))

    assert list(run()) == [(11, 0), (12, 1), (13, 2)]
    assert results == ["done"]


def test_a_cancelled_run_ends_where_it_is_and_other_errors_pass() -> None:
    def ending(error: Exception | None) -> Iterator[int]:
        yield 1
        if error is not None:
            raise error

    def run(error: Exception | None) -> Iterator[object]:
        yield (yield from until_cancelled(ending(error)))

    assert list(run(None)) == [1, False]
    assert list(run(Cancelled())) == [1, True]
    with pytest.raises(ValueError, match="other"):
        list(run(ValueError("other")))


@pytest.mark.parametrize(("mode", "calls"), [("sde", 1), ("ode", 10)])
def test_a_code_gives_its_picture_back_and_takes_as_many_calls_a_step_as_its_mode(
    model: Model, request_for: Make, cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch, mode: str, calls: int
) -> None:
    allowed: list[int] = []

    def watched(*args: object, iterations: int) -> Generator[Tensor, None, object]:
        allowed.append(iterations)
        return encode_steps(*args, iterations=iterations)  # type: ignore[arg-type]

    monkeypatch.setattr(base_module, "encode_steps", watched)
    request = request_for(mode=mode)
    run = Run(model, request.settings, cancel_token)
    picture = run.tensor(request.start)
    z = model.encode(picture)
    found = []

    def encoding() -> Iterator[Tensor]:
        found.append((yield from run.encode(picture, z)))

    assert len(list(encoding())) == run.sampler.steps
    assert allowed == [calls]
    (code,) = found
    assert (code.noises is None) == (mode == "ode")
    with torch.no_grad():
        *_, image = sample(model.network, run.sampler, code.x_T, code.z, code.noises)
    assert torch.allclose(image, picture, atol=5e-3)


def test_before_the_first_image_there_is_no_outcome(model: Model, request_for: Make, cancel_token: CancelToken) -> None:
    assert Run(model, request_for().settings, cancel_token).outcome(stopped=True) is None
