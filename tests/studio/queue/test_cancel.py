import errno
import os
import pickle
import shutil
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

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


def test_a_flag_that_cannot_be_written_is_set_all_the_same(tmp_path: Path) -> None:
    flag = Flag(tmp_path / "gone" / "stop")
    flag.set("time is up")
    flag.set("later")
    assert flag.is_set()
    assert flag.why() == "time is up"
    assert not Flag(tmp_path / "gone" / "other").is_set()


def test_a_reason_that_finds_no_room_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = Flag(tmp_path / "stop")
    plain = Path.open

    def full(path: Path, *how: Any, **more: Any) -> Any:
        plain(path, *how, **more).close()
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(Path, "open", full)
    flag.set("time is up")
    monkeypatch.undo()
    assert flag.is_set()
    assert flag.why() == "time is up"


def test_a_folder_that_was_cleaned_away_is_made_again() -> None:
    stops = Stops()
    first = stops.arm("me")
    shutil.rmtree(first.path.parent)
    assert stops.halt("me")
    assert first.is_set()
    second = stops.arm("you")
    second.set()
    assert second.path.is_file()


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
