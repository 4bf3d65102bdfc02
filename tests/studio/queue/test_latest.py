import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from unittest.mock import Mock, call

import pytest

from studio.core.cancellation import CancelToken
from studio.queue.device import DeviceQueue, Limits
from studio.queue.latest import Slot, latest_only, time_limit_message

TRIES = 8
"""The machine's other work comes and goes; the cost of what is tested stays in every try."""


def work(
    steps: int, seconds: float, cancel_token: CancelToken | None = None, began: list[float] | None = None
) -> Iterator[int]:
    for step in range(steps):
        if cancel_token is not None and cancel_token.is_set():
            return
        time.sleep(seconds)
        yield step
    if began is not None:
        began.append(time.perf_counter())


def test_the_last_item_always_arrives_and_none_comes_twice(cancel_token: CancelToken) -> None:
    items = [item for item in latest_only(work(200, 0.001), cancel_token, DeviceQueue(), rate=50) if item is not None]
    assert items[-1] == 199
    assert items == sorted(set(items))


def test_work_can_put_an_item_between_those_it_yields(cancel_token: CancelToken) -> None:
    slot: Slot[str] = Slot()

    def work() -> Iterator[str]:
        slot.put("early")
        time.sleep(0.3)
        yield "late"

    items = latest_only(work(), cancel_token, DeviceQueue(), rate=100, slot=slot)
    assert [item for item in items if item is not None] == ["early", "late"]


@pytest.mark.slow
def test_no_more_items_than_the_rate(cancel_token: CancelToken) -> None:
    began = time.perf_counter()
    items = [item for item in latest_only(work(100, 0.01), cancel_token, DeviceQueue(), rate=10) if item is not None]
    assert len(items) <= (time.perf_counter() - began) * 10 + 2


@pytest.mark.slow
def test_a_slow_watcher_does_not_slow_the_work(tmp_path: Path) -> None:
    def alone() -> float:
        began = time.perf_counter()
        return sum(1 for _ in work(100, 0.01)) and time.perf_counter() - began

    def watched(name: str) -> float:
        ends: list[float] = []
        began = time.perf_counter()
        for _ in latest_only(work(100, 0.01, began=ends), CancelToken(tmp_path / name), DeviceQueue()):
            time.sleep(0.05)  # a browser's frame being encoded
        return ends[0] - began

    assert any(watched(str(turn)) < 1.1 * alone() + 0.05 for turn in range(TRIES))


@pytest.mark.slow
def test_silence_is_broken_by_heartbeats(cancel_token: CancelToken) -> None:
    items = list(latest_only(work(1, 1.5), cancel_token, DeviceQueue(), heartbeat=0.1))
    assert items[-1] == 0
    assert items.count(None) >= 3


def test_an_exception_arrives_after_the_items_before_it(cancel_token: CancelToken) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("at the second step")

    stream = latest_only(broken(), cancel_token, DeviceQueue())
    with pytest.raises(ValueError, match="second step"):
        assert list(stream) == [1]


def test_closing_the_stream_stops_the_work(cancel_token: CancelToken) -> None:
    device = DeviceQueue()
    stream = latest_only(work(10_000, 0.01, cancel_token), cancel_token, device)
    next(stream)
    stream.close()
    assert cancel_token.is_set()
    with device:
        pass


def test_the_device_is_free_after_a_failure(cancel_token: CancelToken) -> None:
    def broken() -> Iterator[int]:
        raise ValueError
        yield 1

    device = DeviceQueue()
    with pytest.raises(ValueError):  # noqa: PT011 -- raised by the line above, without a text
        list(latest_only(broken(), cancel_token, device))
    assert not device.locked()


def test_two_jobs_never_hold_the_device_together(cancel_token: CancelToken, tmp_path: Path) -> None:
    device, inside, overlapped = DeviceQueue(), Event(), []

    def job() -> Iterator[int]:
        overlapped.append(inside.is_set())
        inside.set()
        time.sleep(0.2)
        inside.clear()
        yield 1

    first, second = (
        latest_only(job(), cancel_token, device),
        latest_only(job(), CancelToken(tmp_path / "other"), device),
    )
    next(first)
    list(second)
    list(first)
    assert overlapped == [False, False]


def test_a_job_stopped_while_it_waits_never_starts(cancel_token: CancelToken) -> None:
    device = DeviceQueue()
    with device:
        cancel_token.set()
        assert [item for item in latest_only(work(5, 0.01), cancel_token, device) if item is not None] == []


def test_a_job_in_line_is_told_how_many_are_before_it(cancel_token: CancelToken) -> None:
    device = DeviceQueue()
    stream = latest_only(work(3, 0.01), cancel_token, device, waiting=lambda ahead: -ahead, heartbeat=5)
    with device:
        assert next(stream) == -1
    assert [item for item in stream if item is not None and item >= 0][-1] == 2


@pytest.mark.slow
def test_streaming_costs_the_solver_less_than_a_twentieth(tmp_path: Path) -> None:
    def calls(ends: list[float]) -> Iterator[int]:
        for step in range(40):
            time.sleep(0.03)  # a network call on a device of its own
            yield step
        ends.append(time.perf_counter())

    def alone() -> float:
        ends: list[float] = []
        began = time.perf_counter()
        for _ in calls(ends):
            pass
        return ends[0] - began

    def watched(name: str) -> float:
        ends: list[float] = []
        began = time.perf_counter()
        for _ in latest_only(calls(ends), CancelToken(tmp_path / name), DeviceQueue()):
            time.sleep(0.04)  # a frame being encoded and sent
        return ends[0] - began

    assert any(watched(str(turn)) < 1.05 * alone() for turn in range(TRIES))


def test_a_job_that_takes_too_long_is_stopped_and_the_flag_says_why(cancel_token: CancelToken) -> None:
    device = DeviceQueue(Limits(seconds=0.3))
    items = [item for item in latest_only(work(1000, 0.01, cancel_token), cancel_token, device) if item is not None]
    assert items
    assert items[-1] < 999  # ten seconds of work
    assert cancel_token.why() == time_limit_message(0.3)
    assert not device.locked()


def test_the_clock_starts_with_the_device_and_ends_with_the_job(
    cancel_token: CancelToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = Mock()
    monkeypatch.setattr("studio.queue.latest.Timer", timer)
    device = DeviceQueue(Limits(seconds=1))
    stream = latest_only(work(3, 0.01), cancel_token, device, waiting=lambda ahead: -ahead)
    with device:
        assert next(stream) == -1
        assert not timer.called  # time in the queue does not count
    assert [item for item in stream if item is not None][-1] == 2
    timer.assert_called_once_with(1, cancel_token.set, [time_limit_message(1)])
    assert timer.return_value.method_calls == [call.start(), call.cancel()]
    assert cancel_token.why() == ""


def test_a_place_is_said_once(cancel_token: CancelToken) -> None:
    device = DeviceQueue()
    stream = latest_only(work(1, 0.0), cancel_token, device, waiting=lambda ahead: -ahead, heartbeat=0.1)
    with device:
        heard = [next(stream) for _ in range(5)]
    assert heard.count(-1) == 1
    assert list(stream)[-1] == 0


def test_the_limit_is_said_as_a_person_says_it() -> None:
    assert "may take 5 minutes here" in time_limit_message(300)
    assert "may take 60 seconds here" in time_limit_message(60)


def test_a_thread_that_ends_itself_is_an_error_and_not_the_end_of_the_page(cancel_token: CancelToken) -> None:
    def dying() -> Iterator[int]:
        yield 1
        raise SystemExit(1)

    device = DeviceQueue()
    with pytest.raises(RuntimeError, match="thread of this run died"):
        list(latest_only(dying(), cancel_token, device))
    assert not device.locked()
