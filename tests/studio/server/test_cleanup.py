"""What is left of a session, on a page that is really served."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import gradio as gr
import httpx
import pytest

from studio.queue.cancel import CancelTokens
from studio.server import cleanup
from studio.server.cleanup import delete_session, expire_session, sweep, wire_cleanup
from studio.ui.blocks import Blocks

Served = tuple[gr.Blocks, CancelTokens, str]


def job(name: str) -> str:
    """A function of the API."""
    expire_session()
    return name


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(cleanup, "SESSION_TIMEOUT", 0.4)
    cancel_tokens = CancelTokens()
    with Blocks() as blocks:
        picture, text = gr.Image(type="filepath"), gr.Textbox()
        state = gr.State(())
        gr.api(job, api_name="job")
        picture.change(lambda path: (str(path), "a run"), picture, [text, state], api_name="look")
        wire_cleanup(blocks, cancel_tokens)
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield blocks, cancel_tokens, f"{url}gradio_api/"
    blocks.close()


def look(url: str, session: str, face: Path) -> Path:
    """Upload a picture and have the page show it; returns the file on the server."""
    with face.open("rb") as file:
        (path,) = httpx.post(f"{url}upload", files={"files": file}).json()
    data = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = httpx.post(f"{url}run/look", json={"data": [data], "session_hash": session})
    assert answer.status_code == 200
    return Path(path)


def leave(url: str, session: str) -> None:
    """Open the connection of an open page, and close it."""
    with httpx.stream("GET", f"{url}heartbeat/{session}") as beat:
        next(beat.iter_lines())


def until(done: Callable[[], Any], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(done())


def test_a_closed_page_is_deleted_with_all_its_files(served: Served, face: Path) -> None:
    blocks, cancel_tokens, url = served
    path = look(url, "me", face)
    cancel_token = cancel_tokens.register("me:morph")
    assert path.is_file()
    leave(url, "me")
    assert until(cancel_token.is_set)
    assert until(lambda: not path.exists())
    assert "me" not in blocks.state_holder.session_data  # type: ignore[attr-defined]


def test_a_file_that_another_session_shows_is_kept(served: Served, face: Path) -> None:
    blocks, _, url = served
    path = look(url, "me", face)
    assert look(url, "you", face) == path
    delete_session(blocks, "me")
    assert path.is_file()
    delete_session(blocks, "you")
    assert not path.exists()
    delete_session(blocks, "nobody")


def test_a_page_that_reconnects_in_time_keeps_its_files_and_may_close_again(served: Served, face: Path) -> None:
    blocks, _, url = served
    path, holder = look(url, "me", face), cast(Any, blocks).state_holder
    leave(url, "me")
    for _ in range(20):
        holder.time_last_used["me"] = datetime.now() + timedelta(hours=1)  # reconnected, and in use
        time.sleep(0.05)
    assert path.is_file()
    assert "me" in holder.session_data
    holder.time_last_used["me"] = datetime.now()
    assert until(lambda: not path.exists())


def test_the_session_of_an_api_client_is_deleted_after_its_last_call(served: Served) -> None:
    blocks, _, url = served
    sessions = blocks.state_holder.session_data  # type: ignore[attr-defined]
    event = httpx.post(f"{url}call/job", json={"data": ["x"]}).json()["event_id"]
    assert "event: complete" in httpx.get(f"{url}call/job/{event}", timeout=30).text
    assert until(lambda: event not in sessions, seconds=10)
    expire_session()  # outside an event it does nothing


def test_earlier_files_of_a_session_are_deleted(served: Served, face: Path, save_picture: Callable[..., Path]) -> None:
    blocks, _, url = served
    paths = [look(url, "me", face), look(url, "me", save_picture("second.png", colour="navy"))]
    delete_session(blocks, "me")
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("way", ["{inside}/../{name}", "{outside}", "{inside}/./own.png"])
def test_a_path_that_a_client_wrote_is_never_deleted(served: Served, tmp_path: Path, way: str) -> None:
    blocks, _, url = served
    inside = cleanup.upload_folder()
    inside.mkdir(parents=True, exist_ok=True)
    beside, own = inside.parent / "theirs.txt", inside / "own.png"
    outside = tmp_path / "theirs.txt"
    for path in (beside, own, outside):
        path.write_text("somebody's")
    blocks.temp_file_sets[0].add(str(own))
    next(iter(blocks.blocks.values())).keep_in_cache = {str(own)}  # as for a file of the page itself
    written = way.format(inside=inside, name=beside.name, outside=outside)
    for ask in ("run/look", "queue/join"):
        data = [{"path": written, "meta": {"_type": "gradio.FileData"}}]
        httpx.post(f"{url}{ask}", json={"data": data, "session_hash": "me", "fn_index": 0})
    delete_session(blocks, "me")
    assert all(path.is_file() for path in (beside, own, outside))


def test_unused_uploads_are_deleted(served: Served, face: Path) -> None:
    blocks, _, url = served
    used = look(url, "me", face)
    with face.open("rb") as file:
        (path,) = httpx.post(f"{url}upload", files={"files": ("other.png", file)}).json()
    assert Path(path) != used
    assert sweep(blocks) == 1
    blocks.session_cleaner.start()  # type: ignore[attr-defined]
    assert until(lambda: not Path(path).exists())
    assert used.is_file()
    assert sweep(blocks) == 0


def test_uploads_may_arrive_during_a_sweep(served: Served, tmp_path: Path) -> None:
    blocks, _, _ = served
    temp_files: set[str] = blocks.temp_file_sets[0]
    ended = threading.Event()

    def uploads() -> None:
        for k in itertools.cycle(range(50)):
            temp_files.symmetric_difference_update({f"/nowhere/{k}"})
            if ended.is_set():
                return

    busy = threading.Thread(target=uploads)
    busy.start()
    try:
        for _ in range(5):
            sweep(blocks)
    finally:
        ended.set()
        busy.join()
