import time
from threading import Thread

from studio.line import Line


def test_the_first_comes_first() -> None:
    line, order = Line(), []

    def job(name: int) -> None:
        with line:
            order.append(name)

    jobs = []
    with line:
        for name in range(4):
            jobs.append(Thread(target=job, args=(name,)))
            jobs[-1].start()
            time.sleep(0.02)
    for one in jobs:
        one.join()
    assert order == [0, 1, 2, 3]


def test_everybody_is_told_when_they_move_up() -> None:
    line, heard = Line(), []
    other = Thread(target=line.enter, args=(lambda ahead: True,))

    def tell(ahead: int) -> bool:
        heard.append(ahead)
        return True

    with line:
        other.start()
        time.sleep(0.05)
        mine = Thread(target=line.enter, args=(tell,))
        mine.start()
        time.sleep(0.05)
    other.join()
    time.sleep(0.05)
    line.leave()
    mine.join()
    assert sorted(set(heard), reverse=True) == [2, 1]
    line.leave()
    assert not line.locked()


def test_who_gives_up_holds_nobody_up() -> None:
    line = Line()
    with line:
        assert not line.enter(lambda ahead: False)
        assert line.locked()
    assert not line.locked()
    assert line.enter(lambda ahead: True)


def test_an_exception_inside_frees_the_device() -> None:
    line = Line()
    try:
        with line:
            raise KeyError
    except KeyError:
        assert not line.locked()
