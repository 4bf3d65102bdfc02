"""What is left of a visit, on a page that is really served."""

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
from studio.server.gradio_internals import session_ids
from studio.ui.blocks import Blocks

Visit = tuple[Blocks, CancelTokens, str]


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    monkeypatch.setattr(cleanup, "EXPIRY", 0.4)
    cancel_tokens = CancelTokens()
    with Blocks() as blocks:

        def job(name: str, request: gr.Request) -> str:
            blocks.cleaner.expire(str(request.session_hash))
            return name

        picture, said = gr.Image(type="filepath"), gr.Textbox()
        kept = gr.State(())
        gr.api(job, api_name="job")
        picture.change(lambda path: (str(path), "a run"), picture, [said, kept], api_name="look")
        blocks.cleaner.on_unload(cancel_tokens)
    _, url, _ = blocks.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield blocks, cancel_tokens, f"{url}gradio_api/"
    blocks.close()


def look(url: str, session: str, face: Path) -> Path:
    """Upload a picture and have the page look at it; the file on the server."""
    with face.open("rb") as file:
        (path,) = httpx.post(f"{url}upload", files={"files": file}).json()
    data = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = httpx.post(f"{url}run/look", json={"data": [data], "session_hash": session})
    assert answer.status_code == 200
    return Path(path)


def leave(url: str, session: str) -> None:
    """Open the connection that says that the page is there, and close it."""
    with httpx.stream("GET", f"{url}heartbeat/{session}") as beat:
        next(beat.iter_lines())


def until(done: Callable[[], Any], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(done())


def test_who_leaves_is_forgotten_with_all_files(visit: Visit, face: Path) -> None:
    blocks, cancel_tokens, url = visit
    path = look(url, "me", face)
    cancel_token = cancel_tokens.register("me:morph")
    assert path.is_file()
    leave(url, "me")
    assert until(cancel_token.is_set)
    assert until(lambda: not path.exists())
    assert "me" not in session_ids(blocks)


def test_a_file_that_another_visit_shows_stays(visit: Visit, face: Path) -> None:
    blocks, _, url = visit
    path = look(url, "me", face)
    assert look(url, "you", face) == path
    blocks.cleaner.drop("me")
    assert path.is_file()
    blocks.cleaner.drop("you")
    assert not path.exists()
    blocks.cleaner.drop("nobody")


@pytest.mark.slow
def test_who_comes_back_in_time_finds_everything_and_may_leave_again(visit: Visit, face: Path) -> None:
    blocks, _, url = visit
    path, holder = look(url, "me", face), cast(Any, blocks).state_holder
    leave(url, "me")
    for _ in range(20):
        holder.time_last_used["me"] = datetime.now() + timedelta(hours=1)  # back, and busy
        time.sleep(0.05)
    assert path.is_file()
    assert "me" in holder.session_data
    holder.time_last_used["me"] = datetime.now()
    assert until(lambda: not path.exists())


def test_a_program_is_forgotten_after_its_last_call(visit: Visit) -> None:
    blocks, _, url = visit
    event = httpx.post(f"{url}call/job", json={"data": ["x"]}).json()["event_id"]
    assert "event: complete" in httpx.get(f"{url}call/job/{event}", timeout=30).text
    assert until(lambda: event not in session_ids(blocks), seconds=10)


def test_earlier_pictures_of_a_visit_go_too(visit: Visit, face: Path, save_picture: Callable[..., Path]) -> None:
    blocks, _, url = visit
    paths = [look(url, "me", face), look(url, "me", save_picture("second.png", colour="navy"))]
    blocks.cleaner.drop("me")
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("way", ["{inside}/../{name}", "{outside}", "{inside}/./own.png"])
def test_a_path_that_somebody_wrote_is_never_deleted(visit: Visit, tmp_path: Path, way: str) -> None:
    blocks, _, url = visit
    inside = cleanup.folder()
    inside.mkdir(parents=True, exist_ok=True)
    beside, own = inside.parent / "theirs.txt", inside / "own.png"
    outside = tmp_path / "theirs.txt"
    for path in (beside, own, outside):
        path.write_text("somebody's")
    blocks.temp_file_sets[0].add(str(own))
    next(iter(blocks.blocks.values())).keep_in_cache = {str(own)}  # as what the page itself shows
    written = way.format(inside=inside, name=beside.name, outside=outside)
    for ask in ("run/look", "queue/join"):
        data = [{"path": written, "meta": {"_type": "gradio.FileData"}}]
        httpx.post(f"{url}{ask}", json={"data": data, "session_hash": "me", "fn_index": 0})
    blocks.cleaner.drop("me")
    assert all(path.is_file() for path in (beside, own, outside))


def test_what_was_uploaded_and_never_used_goes_by_itself(visit: Visit, face: Path) -> None:
    blocks, _, url = visit
    used = look(url, "me", face)
    with face.open("rb") as file:
        (path,) = httpx.post(f"{url}upload", files={"files": ("other.png", file)}).json()
    assert Path(path) != used
    assert blocks.cleaner.sweep() == 1
    blocks.cleaner.start()
    assert until(lambda: not Path(path).exists())
    assert used.is_file()
    assert blocks.cleaner.sweep() == 0


def test_files_may_come_while_others_are_looked_at(visit: Visit, tmp_path: Path) -> None:
    blocks, _, _ = visit
    known: set[str] = blocks.temp_file_sets[0]
    ended = threading.Event()

    def uploads() -> None:
        for k in itertools.cycle(range(50)):
            known.symmetric_difference_update({f"/nowhere/{k}"})
            if ended.is_set():
                return

    busy = threading.Thread(target=uploads)
    busy.start()
    try:
        for _ in range(5):
            blocks.cleaner.sweep()
    finally:
        ended.set()
        busy.join()
