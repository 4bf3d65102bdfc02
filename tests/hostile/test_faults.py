"""Injected faults: each is one error message with an incident number of the log, and the next run works."""

import dataclasses
import errno
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from studio.core.checksums import BrokenWeights
from studio.core.errors import explain
from studio.core.settings import parse
from studio.export.files import save
from studio.models import embedded as embedded_model
from studio.models.interface import Model
from studio.queue.app_state import Studio, Task
from studio.runs.events import Outcome
from studio.runs.request import Request
from tests.hostile.answers import good_picture
from tests.hostile.visitor import Visitor, serving
from tests.stub import SIZE, stub

QUICK = {"prompt": "a hat", "sampling_steps": 8, "optimisation_steps": 1}


class Breaking:
    """The network, with a fault in some of its calls."""

    def __init__(self, network: Callable[..., Tensor]) -> None:
        self._network = network
        self.times, self.skip, self.fault = 0, 0, lambda output: output

    def will(self, fault: Callable[[Tensor], Tensor], times: int = 10**9, skip: int = 0) -> None:
        """From now on, or after so many calls."""
        self.fault, self.times, self.skip = fault, times, skip

    def __call__(self, t: Tensor, x: Tensor, z: Tensor) -> Tensor:
        output = self._network(t, x, z)
        self.skip -= 1
        if self.times > 0 and self.skip < 0:
            self.times -= 1
            return self.fault(output)
        return output


def raising(error: BaseException) -> Callable[[Tensor], Tensor]:
    def fault(output: Tensor) -> Tensor:
        raise error

    return fault


@pytest.fixture
def network() -> Breaking:
    return Breaking(stub().network)


@pytest.fixture
def studio(network: Breaking) -> Studio:
    model: Model = dataclasses.replace(stub(), network=network)  # type: ignore[arg-type]
    return Studio(model)


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    return Request.checked(QUICK, good_picture(tmp_path), None, SIZE)


def run(studio: Studio, request: Request) -> Outcome:
    *_, last = [
        event for event in studio.stream(Task("steer", request), studio.cancel_tokens.new_token()) if event is not None
    ]
    assert isinstance(last, Outcome)
    return last


def sentence_of(studio: Studio, request: Request, log: pytest.LogCaptureFixture) -> str:
    """The error message of a run that fails; its incident number is in the log."""
    with log.at_level(logging.WARNING), pytest.raises(Exception) as caught:  # noqa: PT011 -- every kind is shown
        run(studio, request)
    with log.at_level(logging.WARNING):
        sentence = explain(caught.value)
    number = re.search(r"incident ([0-9a-f]{8})", sentence)
    assert number is not None
    assert number[1] in log.text
    return sentence


def test_numbers_out_of_range_name_step_and_time(
    studio: Studio, network: Breaking, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    network.will(lambda output: output * float("nan"), skip=8 + 3)  # encoding takes 8 calls
    sentence = sentence_of(studio, request_, caplog)
    assert re.search(r"became infinite or undefined at sampling step \d of 8 \(time \d+", sentence), sentence
    network.will(lambda output: output, 0)
    assert run(studio, request_).settings == request_.settings


def test_out_of_memory_is_retried_with_smaller_settings(studio: Studio, network: Breaking, request_: Request) -> None:
    network.will(raising(torch.OutOfMemoryError("CUDA out of memory.")), 1)
    assert run(studio, request_).settings.sampling_steps == 4
    assert run(studio, request_).settings.sampling_steps == 8


def test_out_of_memory_twice_is_an_error_message(
    studio: Studio, network: Breaking, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    network.will(raising(RuntimeError("MPS backend out of memory")))
    assert sentence_of(studio, request_, caplog).startswith("The device ran out of memory")
    assert not studio.device.locked()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), RuntimeError("x"), KeyError("/secret/path")])
def test_after_a_crash_the_next_run_works(
    studio: Studio, network: Breaking, request_: Request, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    network.will(raising(error))
    sentence = sentence_of(studio, request_, caplog)
    assert "Something went wrong on the server" in sentence
    assert "secret" not in sentence
    assert not studio.device.locked()
    network.will(lambda output: output, 0)
    assert run(studio, request_).after.size == (SIZE, SIZE)


@pytest.mark.parametrize("kind", ["png", "settings"])
def test_a_full_disk_is_named_when_a_file_is_saved(
    studio: Studio, request_: Request, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run(studio, request_)

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as caught:
        save(kind, outcome, studio.model, tmp_path)
    sentence = explain(caught.value)
    assert sentence.startswith("The server's disk is full")
    assert str(tmp_path) not in sentence
    monkeypatch.undo()
    assert save(kind, outcome, studio.model, tmp_path).exists()


def test_weights_that_differ_from_the_card_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "README.md").write_text(f"| a.safetensors | 3 | `{'0' * 64}` |\n")
    monkeypatch.setattr(embedded_model, "WEIGHTS", tmp_path)
    monkeypatch.setattr(embedded_model, "load_world_of", lambda *_, **__: pytest.fail("loaded before it was verified"))
    with pytest.raises(BrokenWeights, match=r"a\.safetensors is missing"):
        embedded_model.embedded()
    (tmp_path / "a.safetensors").write_bytes(b"abc")
    with pytest.raises(BrokenWeights, match=r"a\.safetensors is not the file"):
        embedded_model.embedded()


@pytest.mark.slow
def test_the_running_app_reports_a_fault_and_continues(studio: Studio, network: Breaking, tmp_path: Path) -> None:
    with serving(studio) as url:
        visitor = Visitor(url, tmp_path)
        asked: dict[str, Any] = {"image": {"path": visitor.good}, **QUICK}
        for fault, words in faults():
            network.will(fault)
            found = visitor.steer(asked)
            assert (found.fate, found.leaks) == ("refused", False)
            assert words in found.message
            network.will(lambda output: output, 0)
            assert visitor.steer(asked).fate == "taken"


def faults() -> Iterator[tuple[Callable[[Tensor], Tensor], str]]:
    yield raising(SystemExit(1)), "Something went wrong"
    yield lambda output: output * float("inf"), "became infinite or undefined"
    yield raising(torch.OutOfMemoryError("out of memory")), "ran out of memory"
    yield raising(OSError(errno.ENOSPC, "full")), "disk is full"


def test_the_quick_settings_are_valid() -> None:
    assert parse(QUICK).sampling_steps == 8
