from threading import Event, Thread

import pytest

from studio.core.errors import UserError
from studio.queue.device import DeviceQueue, Limits


def test_the_first_comes_first() -> None:
    queue, order = DeviceQueue(), []
    with queue:
        jobs = [waits(queue, who, order) for who in ("a", "b", "c", "d")]
    for one in jobs:
        one.join()
    assert order == ["a", "b", "c", "d"]


def test_everybody_is_told_when_they_move_up() -> None:
    queue, heard = DeviceQueue(), []
    heard_of = {2: Event(), 1: Event()}

    def tell(ahead: int) -> bool:
        heard.append(ahead)
        heard_of[ahead].set()
        return True

    first_heard = Event()
    other = Thread(target=queue.enter, args=(lambda ahead: first_heard.set() or True,))
    with queue:
        other.start()
        assert first_heard.wait(60)
        mine = Thread(target=queue.enter, args=(tell,))
        mine.start()
        assert heard_of[2].wait(60)
    other.join()
    assert heard_of[1].wait(60)
    queue.leave()
    mine.join()
    assert sorted(set(heard), reverse=True) == [2, 1]
    queue.leave()
    assert not queue.locked()


def test_who_gives_up_holds_nobody_up() -> None:
    queue = DeviceQueue()
    with queue:
        assert not queue.enter(lambda ahead: False)
        assert queue.locked()
    assert not queue.locked()
    assert queue.enter(lambda ahead: True)


def test_an_exception_inside_frees_the_device() -> None:
    queue = DeviceQueue()
    try:
        with queue:
            raise KeyError
    except KeyError:
        assert not queue.locked()


def waits(queue: DeviceQueue, who: str, served: list[str]) -> Thread:
    """A job in queue, from when it has arrived."""
    arrived = Event()

    def job() -> None:
        queue.enter(lambda ahead: arrived.set() or True, who)
        arrived.set()
        served.append(who)
        queue.leave()

    thread = Thread(target=job)
    thread.start()
    assert arrived.wait(60)
    return thread


def test_who_brings_three_jobs_waits_with_the_second_behind_everybodys_first() -> None:
    queue, served = DeviceQueue(), []
    with queue:
        jobs = [waits(queue, who, served) for who in ("a", "a", "a", "b", "c", "b")]
    for job in jobs:
        job.join()
    assert served == ["a", "b", "c", "a", "b", "a"]


def test_who_holds_the_device_has_had_their_turn() -> None:
    queue, served = DeviceQueue(), []
    assert queue.enter(lambda ahead: True, "a")
    jobs = [waits(queue, who, served) for who in ("a", "b")]
    queue.leave()
    for job in jobs:
        job.join()
    assert served == ["b", "a"]


def test_a_newcomer_goes_before_the_second_job_of_whoever_is_at_work() -> None:
    queue, places = DeviceQueue(), {}
    assert queue.enter(lambda ahead: True, "a")

    def look(who: str) -> bool:
        return not queue.enter(lambda ahead: places.__setitem__(who, ahead), who)

    jobs = [waits(queue, "a", [])]
    assert look("b")
    assert places == {"b": 1}
    queue.leave()
    jobs[0].join()


def test_a_full_line_takes_nobody_else() -> None:
    queue = DeviceQueue(Limits(jobs=2))
    with queue:
        waiting = waits(queue, "a", [])
        with pytest.raises(UserError, match="The queue is full with 2 runs"):
            queue.enter(lambda ahead: True, "b")
    waiting.join()
    assert queue.enter(lambda ahead: True, "b")


def test_nobody_takes_more_than_their_share_of_the_line() -> None:
    queue = DeviceQueue(Limits(per_client=1))
    assert queue.enter(lambda ahead: True, "a")
    with pytest.raises(UserError, match="You already have one run in the queue"):
        queue.enter(lambda ahead: True, "a")
    other = waits(queue, "b", [])
    unknown = [waits(queue, "", []) for _ in range(2)]  # nobody knows whose they are, so nobody's share is used up
    queue.leave()
    for job in (other, *unknown):
        job.join()
    assert queue.enter(lambda ahead: True, "a")


def test_who_fails_to_answer_loses_the_place() -> None:
    queue = DeviceQueue()

    def broken(ahead: int) -> bool:
        raise RuntimeError("closed tab")

    with queue, pytest.raises(RuntimeError, match="closed tab"):
        queue.enter(broken)
    assert not queue.locked()


def test_a_job_that_is_only_counted_has_a_share_and_waits_for_nothing() -> None:
    queue = DeviceQueue(Limits(jobs=3, per_client=2))
    with queue.counted("me"), queue.counted("me"):
        with pytest.raises(UserError, match="You already have 2 runs in the queue"), queue.counted("me"):
            pytest.fail("it had no share left")
        with queue.counted("you"), pytest.raises(UserError, match="The queue is full"), queue.counted("they"):
            pytest.fail("there was no room left")
    assert not queue.locked()
