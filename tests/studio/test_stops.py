import os
import pickle
from multiprocessing import get_context
from pathlib import Path

from studio.stops import Flag, Stops


def test_a_visitor_stops_only_their_own_run() -> None:
    stops = Stops()
    mine, yours = stops.arm("me"), stops.arm("you")
    assert stops.halt("me")
    assert (mine.is_set(), yours.is_set()) == (True, False)


def test_a_flag_set_while_the_run_queues_is_still_set_when_it_starts() -> None:
    stops = Stops()
    stops.arm("me")
    stops.halt("me")
    assert stops.arm("me").is_set()


def test_the_next_run_gets_a_fresh_flag() -> None:
    stops = Stops()
    stops.arm("me").set()
    stops.drop("me")
    assert not stops.running("me")
    assert not stops.arm("me").is_set()


def test_who_runs_nothing_stops_nothing() -> None:
    assert not Stops().halt("nobody")


def test_a_flag_set_here_is_seen_in_another_process(tmp_path: Path) -> None:
    flag = Flag(tmp_path / "stop")
    assert not pickle.loads(pickle.dumps(flag)).is_set()
    flag.set()
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(Flag.is_set, (flag,))


def test_setting_a_flag_after_the_page_is_gone_does_nothing(tmp_path: Path) -> None:
    flag = Flag(tmp_path / "gone" / "stop")
    flag.set()
    assert not flag.is_set()


def test_the_first_reason_stays(tmp_path: Path) -> None:
    flag = Flag(tmp_path / "stop")
    assert flag.why() == ""
    flag.set("time is up")
    flag.set()
    assert flag.why() == "time is up"


def test_who_leaves_stops_all_their_jobs_and_nobody_elses() -> None:
    stops = Stops()
    steering, morphing, other = stops.arm("me"), stops.arm("me:morph"), stops.arm("meet")
    stops.leave("me")
    assert (steering.is_set(), morphing.is_set(), other.is_set()) == (True, True, False)
    assert not stops.running("me")


def test_old_flags_are_swept_away() -> None:
    stops = Stops()
    old, fresh = stops.flag(), stops.flag()
    old.set()
    fresh.set()
    os.utime(old.path, (0, 0))
    stops.flag()
    assert (old.is_set(), fresh.is_set()) == (False, True)
