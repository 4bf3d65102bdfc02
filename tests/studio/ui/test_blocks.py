"""Every event of the page, as anybody can call it who reads the page's own configuration."""

import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import app
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.server.uploads import NO_FILE
from studio.ui.blocks import UNFIT
from studio.ui.page import page


@pytest.fixture(scope="module")
def url(model: Model) -> Iterator[str]:
    blocks = page(Studio(model), [])
    _, where, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield where
    blocks.close()


@pytest.fixture(scope="module")
def reached() -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and who came to it."""
    came: list[str] = []

    class Ears(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *what: object) -> None:
            """Quiet."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Ears)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/a.png", came
    server.shutdown()


def events_with_a_file(url: str) -> Iterator[tuple[int, list[str], list[Any]]]:
    """Number, types and present values of the inputs, for each of the page's events that takes a file."""
    config = httpx.get(f"{url}config").json()
    components = {one["id"]: one for one in config["components"]}
    for event in config["dependencies"]:
        inputs = [components.get(i, {"type": "state", "props": {}}) for i in event["inputs"]]
        types = [one["type"] for one in inputs]
        if event["backend_fn"] and {"image", "pathimage", "file"} & set(types):
            yield event["id"], types, [one["props"].get("value") for one in inputs]


def send(url: str, event: int, data: list[Any], **more: Any) -> dict[str, Any]:
    """The response that the page would get. One session for all: the server copies all components for a new one."""
    session = "visitor"
    body = {"fn_index": event, "data": data, "session_hash": session, **more}
    joined = httpx.post(f"{url}gradio_api/queue/join", json=body)
    assert joined.status_code == 200, joined.text
    with httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}, timeout=60) as lines:
        for line in lines.iter_lines():
            said = json.loads(line[5:]) if line.startswith("data:") else {}
            if said.get("msg") == "process_completed":
                return said
    raise AssertionError("no end")


def files(url: str, *evil: Any) -> Iterator[dict[str, Any]]:
    """Each event is sent one of these files, in turn."""
    for (event, types, values), one in zip(events_with_a_file(url), itertools.cycle(evil), strict=False):
        data = [one if kind in ("image", "pathimage", "file") else v for kind, v in zip(types, values, strict=True)]
        yield send(url, event, data)


FILE_DATA = {"meta": {"_type": "gradio.FileData"}}


@pytest.mark.slow  # an event takes the server a quarter of a second
def test_no_event_opens_a_file_of_the_server(url: str, save_picture: Any) -> None:
    answers = list(files(url, {"path": str(save_picture())}))
    assert len(answers) >= 8
    for answer in answers:
        assert answer["output"]["error"] == NO_FILE


@pytest.mark.slow
def test_no_event_fetches_an_address(url: str, reached: tuple[str, list[str]]) -> None:
    address, came = reached
    evil = [
        {"path": address},
        {"path": address, **FILE_DATA},
        {"path": f"FILE://{address}"},
        {"path": "x", "url": address},
    ]
    assert {answer["output"]["error"] for answer in files(url, *evil)} == {NO_FILE}
    assert came == []


@pytest.mark.slow
def test_what_is_no_file_at_all_is_one_sentence(url: str) -> None:
    evil = ["/etc/hostname", 5, [], {"path": 5}, {"path": "a\0b"}, {"path": "x" * 5000}, {"more": [{"path": "/etc"}]}]
    for answer in files(url, *evil):
        assert answer["output"]["error"] in (UNFIT, NO_FILE)


def replayed(url: str, name: object) -> str:
    """What the page says of a recording of this name."""
    config = httpx.get(f"{url}config").json()
    replay = next(one["id"] for one in config["dependencies"] if one["api_name"] == "replay")
    return json.dumps(send(url, replay, [], event_data={"name": name})["output"])


@pytest.mark.parametrize("name", [{"no": "such"}, ["red-hair"], None, 7, "no such"])
def test_a_recording_that_is_not_there_is_said(url: str, name: object) -> None:
    assert "This recorded run does not exist" in replayed(url, name)


def test_a_handler_that_fails_says_a_number(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(sentence: str) -> str:
        raise KeyError("/home/somebody/secret")

    monkeypatch.setattr("studio.ui.html.alert", broken)
    said = replayed(url, "no such")
    assert "Something went wrong on the server (incident " in said
    assert "secret" not in said
