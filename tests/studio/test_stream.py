import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock

import pytest

from studio.stops import Flag
from studio.stream import newest


def work(steps: int, seconds: float, flag: Flag | None = None, began: list[float] | None = None) -> Iterator[int]:
    for step in range(steps):
        if flag is not None and flag.is_set():
            return
        time.sleep(seconds)
        yield step
    if began is not None:
        began.append(time.perf_counter())


def test_the_last_item_always_arrives_and_none_comes_twice(flag: Flag) -> None:
    items = [item for item in newest(work(200, 0.001), flag, Lock(), rate=50) if item is not None]
    assert items[-1] == 199
    assert items == sorted(set(items))


def test_no_more_items_than_the_rate(flag: Flag) -> None:
    began = time.perf_counter()
    items = [item for item in newest(work(100, 0.01), flag, Lock(), rate=10) if item is not None]
    assert len(items) <= (time.perf_counter() - began) * 10 + 2


def test_a_slow_watcher_does_not_slow_the_work(flag: Flag) -> None:
    began = time.perf_counter()
    alone = sum(1 for _ in work(100, 0.01)) and time.perf_counter() - began

    ends: list[float] = []
    began = time.perf_counter()
    for _ in newest(work(100, 0.01, began=ends), flag, Lock()):
        time.sleep(0.05)  # a browser's frame being encoded
    assert ends[0] - began < 1.1 * alone + 0.05


def test_silence_is_broken_by_heartbeats(flag: Flag) -> None:
    items = list(newest(work(1, 0.5), flag, Lock(), heartbeat=0.1))
    assert items[-1] == 0
    assert items.count(None) >= 3


def test_an_exception_arrives_after_the_items_before_it(flag: Flag) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("at the second step")

    stream = newest(broken(), flag, Lock())
    with pytest.raises(ValueError, match="second step"):
        assert list(stream) == [1]


def test_closing_the_stream_stops_the_work(flag: Flag) -> None:
    device = Lock()
    stream = newest(work(10_000, 0.01, flag), flag, device)
    next(stream)
    stream.close()
    assert flag.is_set()
    assert device.acquire(timeout=1)


def test_the_device_is_free_after_a_failure(flag: Flag) -> None:
    def broken() -> Iterator[int]:
        raise ValueError
        yield 1

    device = Lock()
    with pytest.raises(ValueError):  # noqa: PT011 -- raised by the line above, without a text
        list(newest(broken(), flag, device))
    assert not device.locked()


def test_two_jobs_never_hold_the_device_together(flag: Flag, tmp_path: Path) -> None:
    device, inside, overlapped = Lock(), Event(), []

    def job() -> Iterator[int]:
        overlapped.append(inside.is_set())
        inside.set()
        time.sleep(0.2)
        inside.clear()
        yield 1

    first, second = newest(job(), flag, device), newest(job(), Flag(tmp_path / "other"), device)
    next(first)
    list(second)
    list(first)
    assert overlapped == [False, False]


def test_a_job_stopped_while_it_waits_never_starts(flag: Flag) -> None:
    device = Lock()
    device.acquire()
    flag.set()
    assert [item for item in newest(work(5, 0.01), flag, device) if item is not None] == []
