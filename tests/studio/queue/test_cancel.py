import errno
import os
import pickle
import shutil
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from studio.core.cancellation import CancelToken
from studio.queue.cancel import CancelTokens


def test_a_visitor_stops_only_their_own_run() -> None:
    cancel_tokens = CancelTokens()
    mine, yours = cancel_tokens.register("me"), cancel_tokens.register("you")
    assert cancel_tokens.cancel("me")
    assert (mine.is_set(), yours.is_set()) == (True, False)


def test_a_flag_set_while_the_run_queues_is_still_set_when_it_starts() -> None:
    cancel_tokens = CancelTokens()
    cancel_tokens.register("me")
    cancel_tokens.cancel("me")
    assert cancel_tokens.register("me").is_set()


def test_the_next_run_gets_a_fresh_flag() -> None:
    cancel_tokens = CancelTokens()
    cancel_tokens.register("me").set()
    cancel_tokens.release("me")
    assert not cancel_tokens.running("me")
    assert not cancel_tokens.register("me").is_set()


def test_jobs_are_counted_by_name_until_their_visitor_leaves() -> None:
    cancel_tokens = CancelTokens()
    for _ in range(2):
        cancel_tokens.register("me:morph")
        cancel_tokens.register("me:morph")  # the same job
        cancel_tokens.release("me:morph")
    assert (cancel_tokens.begun("me:morph"), cancel_tokens.begun("me")) == (2, 0)
    cancel_tokens.cancel_all("me")
    assert cancel_tokens.begun("me:morph") == 0


def test_who_runs_nothing_stops_nothing() -> None:
    assert not CancelTokens().cancel("nobody")


def test_a_flag_set_here_is_seen_in_another_process(tmp_path: Path) -> None:
    cancel_token = CancelToken(tmp_path / "stop")
    assert not pickle.loads(pickle.dumps(cancel_token)).is_set()
    cancel_token.set()
    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(CancelToken.is_set, (cancel_token,))


def test_a_flag_that_cannot_be_written_is_set_all_the_same(tmp_path: Path) -> None:
    cancel_token = CancelToken(tmp_path / "gone" / "stop")
    cancel_token.set("time is up")
    cancel_token.set("later")
    assert cancel_token.is_set()
    assert cancel_token.why() == "time is up"
    assert not CancelToken(tmp_path / "gone" / "other").is_set()


def test_a_reason_that_finds_no_room_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancel_token = CancelToken(tmp_path / "stop")
    plain = Path.open

    def full(path: Path, *how: Any, **more: Any) -> Any:
        plain(path, *how, **more).close()
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(Path, "open", full)
    cancel_token.set("time is up")
    monkeypatch.undo()
    assert cancel_token.is_set()
    assert cancel_token.why() == "time is up"


def test_a_folder_that_was_cleaned_away_is_made_again() -> None:
    cancel_tokens = CancelTokens()
    first = cancel_tokens.register("me")
    shutil.rmtree(first.path.parent)
    assert cancel_tokens.cancel("me")
    assert first.is_set()
    second = cancel_tokens.register("you")
    second.set()
    assert second.path.is_file()


def test_the_first_reason_stays(tmp_path: Path) -> None:
    cancel_token = CancelToken(tmp_path / "stop")
    assert cancel_token.why() == ""
    cancel_token.set("time is up")
    cancel_token.set()
    assert cancel_token.why() == "time is up"


def test_who_leaves_stops_all_their_jobs_and_nobody_elses() -> None:
    cancel_tokens = CancelTokens()
    steering, morphing, other = (
        cancel_tokens.register("me"),
        cancel_tokens.register("me:morph"),
        cancel_tokens.register("meet"),
    )
    cancel_tokens.cancel_all("me")
    assert (steering.is_set(), morphing.is_set(), other.is_set()) == (True, True, False)
    assert not cancel_tokens.running("me")


def test_old_flags_are_swept_away() -> None:
    cancel_tokens = CancelTokens()
    old, fresh = cancel_tokens.new_token(), cancel_tokens.new_token()
    old.set()
    fresh.set()
    os.utime(old.path, (0, 0))
    cancel_tokens.new_token()
    assert (old.is_set(), fresh.is_set()) == (False, True)
