from threading import Event, Thread

import pytest

from studio.core.errors import UserError
from studio.queue.device import DeviceQueue, Limits


def test_the_first_comes_first() -> None:
    line, order = DeviceQueue(), []
    with line:
        jobs = [waits(line, who, order) for who in ("a", "b", "c", "d")]
    for one in jobs:
        one.join()
    assert order == ["a", "b", "c", "d"]


def test_everybody_is_told_when_they_move_up() -> None:
    line, heard = DeviceQueue(), []
    told = {2: Event(), 1: Event()}

    def tell(ahead: int) -> bool:
        heard.append(ahead)
        told[ahead].set()
        return True

    first_heard = Event()
    other = Thread(target=line.enter, args=(lambda ahead: first_heard.set() or True,))
    with line:
        other.start()
        assert first_heard.wait(60)
        mine = Thread(target=line.enter, args=(tell,))
        mine.start()
        assert told[2].wait(60)
    other.join()
    assert told[1].wait(60)
    line.leave()
    mine.join()
    assert sorted(set(heard), reverse=True) == [2, 1]
    line.leave()
    assert not line.locked()


def test_who_gives_up_holds_nobody_up() -> None:
    line = DeviceQueue()
    with line:
        assert not line.enter(lambda ahead: False)
        assert line.locked()
    assert not line.locked()
    assert line.enter(lambda ahead: True)


def test_an_exception_inside_frees_the_device() -> None:
    line = DeviceQueue()
    try:
        with line:
            raise KeyError
    except KeyError:
        assert not line.locked()


def waits(line: DeviceQueue, who: str, served: list[str]) -> Thread:
    """A job in line, from when it has arrived."""
    arrived = Event()

    def job() -> None:
        line.enter(lambda ahead: arrived.set() or True, who)
        arrived.set()
        served.append(who)
        line.leave()

    thread = Thread(target=job)
    thread.start()
    assert arrived.wait(60)
    return thread


def test_who_brings_three_jobs_waits_with_the_second_behind_everybodys_first() -> None:
    line, served = DeviceQueue(), []
    with line:
        jobs = [waits(line, who, served) for who in ("a", "a", "a", "b", "c", "b")]
    for job in jobs:
        job.join()
    assert served == ["a", "b", "c", "a", "b", "a"]


def test_who_holds_the_device_has_had_their_turn() -> None:
    line, served = DeviceQueue(), []
    assert line.enter(lambda ahead: True, "a")
    jobs = [waits(line, who, served) for who in ("a", "b")]
    line.leave()
    for job in jobs:
        job.join()
    assert served == ["b", "a"]


def test_a_newcomer_goes_before_the_second_job_of_whoever_is_at_work() -> None:
    line, places = DeviceQueue(), {}
    assert line.enter(lambda ahead: True, "a")

    def look(who: str) -> bool:
        return not line.enter(lambda ahead: places.__setitem__(who, ahead), who)

    jobs = [waits(line, "a", [])]
    assert look("b")
    assert places == {"b": 1}
    line.leave()
    jobs[0].join()


def test_a_full_line_takes_nobody_else() -> None:
    line = DeviceQueue(Limits(jobs=2))
    with line:
        waiting = waits(line, "a", [])
        with pytest.raises(UserError, match="2 runs are waiting here already"):
            line.enter(lambda ahead: True, "b")
    waiting.join()
    assert line.enter(lambda ahead: True, "b")


def test_nobody_takes_more_than_their_share_of_the_line() -> None:
    line = DeviceQueue(Limits(each=1))
    assert line.enter(lambda ahead: True, "a")
    with pytest.raises(UserError, match="You have one run in line here already"):
        line.enter(lambda ahead: True, "a")
    other = waits(line, "b", [])
    unknown = [waits(line, "", []) for _ in range(2)]  # nobody knows whose they are, so nobody's share is used up
    line.leave()
    for job in (other, *unknown):
        job.join()
    assert line.enter(lambda ahead: True, "a")


def test_who_fails_to_answer_loses_the_place() -> None:
    line = DeviceQueue()

    def broken(ahead: int) -> bool:
        raise RuntimeError("closed tab")

    with line, pytest.raises(RuntimeError, match="closed tab"):
        line.enter(broken)
    assert not line.locked()


def test_a_job_that_is_only_counted_has_a_share_and_waits_for_nothing() -> None:
    line = DeviceQueue(Limits(jobs=3, each=2))
    with line.counted("me"), line.counted("me"):
        with pytest.raises(UserError, match="You have 2 runs in line"), line.counted("me"):
            pytest.fail("it had no share left")
        with line.counted("you"), pytest.raises(UserError, match="waiting here already"), line.counted("they"):
            pytest.fail("there was no room left")
    assert not line.locked()
