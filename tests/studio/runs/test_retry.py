import logging
from collections.abc import Callable, Iterator

import pytest
import torch

from studio.core.settings import Settings, parse
from studio.runs.request import Request
from studio.runs.retry import retry_message, smaller, with_second_try

Make = Callable[..., Request]


def running_out(times: int, tried: list[Settings]) -> Callable[[Request], Iterator[str]]:
    def run(request: Request) -> Iterator[str]:
        tried.append(request.settings)
        yield "begun"
        if len(tried) <= times:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        yield "done"

    return run


@pytest.mark.slow
def test_a_run_that_memory_does_not_suffice_for_is_made_smaller(
    request_for: Make, caplog: pytest.LogCaptureFixture
) -> None:
    request, tried = request_for(sampling_steps=9), []
    with caplog.at_level(logging.WARNING):
        assert list(with_second_try(running_out(1, tried), request)) == ["begun", "begun", "done"]
    assert [settings.sampling_steps for settings in tried] == [9, 4]
    assert tried[1] == request.settings.model_copy(update={"sampling_steps": 4})
    assert "4 sampling steps instead of 9" in caplog.text


@pytest.mark.slow
def test_there_is_one_second_try_and_no_third(request_for: Make) -> None:
    tried: list[Settings] = []
    with pytest.raises(torch.OutOfMemoryError):
        list(with_second_try(running_out(2, tried), request_for(sampling_steps=40)))
    assert len(tried) == 2


def test_other_failures_are_not_tried_again(request_for: Make) -> None:
    def broken(request: Request) -> Iterator[str]:
        raise RuntimeError("shapes do not match")
        yield ""

    with pytest.raises(RuntimeError, match="shapes"):
        list(with_second_try(broken, request_for()))


def test_what_cannot_be_smaller_is_not_tried_again(request_for: Make) -> None:
    tried: list[Settings] = []
    with pytest.raises(torch.OutOfMemoryError):
        list(with_second_try(running_out(1, tried), request_for(sampling_steps=2)))
    assert len(tried) == 1


def test_plain_autograd_gives_way_to_the_same_gradient_in_less_memory() -> None:
    asked = parse({"gradient": "unrolled", "sampling_steps": 20})
    used = smaller(asked)
    assert used == asked.model_copy(update={"gradient": "discrete"})
    assert (
        retry_message(asked, used)
        == "Memory did not suffice, so this run was made with the gradient method “discrete”."
    )
    assert retry_message(asked, asked) == ""


def test_smaller_settings_are_settings() -> None:
    for steps in range(5, 51):
        found = smaller(parse({"sampling_steps": steps}))
        assert found is not None
        assert parse(found.model_dump()) == found
