"""An HTTP client of the running app: sends a case and records the whole response."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

import app
from studio.queue.app_state import Studio
from studio.ui.page import page
from tests.hostile.answers import Answer, good_picture
from tests.hostile.corpus import Case
from tests.stub import stub


@contextmanager
def serving(studio: Studio | None = None) -> Iterator[str]:
    """The app on a small model; its address."""
    blocks = page(studio or Studio(stub()), [])
    _, url, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    try:
        yield url
    finally:
        blocks.close()


class Visitor:
    """Asks as programs do, without the page's or the client library's own checks.

    Args:
        url: of the app, with a slash at its end.
        folder: for the files it sends.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.web = httpx.Client(base_url=url, timeout=300)
        self.good = self.upload(good_picture(folder).read_bytes())["path"]
        self._sent = 0

    def upload(self, data: bytes, name: str = "a.png") -> Any:
        """Upload a file; returns its path on the server."""
        (path,) = self.web.post("gradio_api/upload", files={"files": (name, data)}).raise_for_status().json()
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def ask(self, case: Case) -> Answer:
        """Send a case; a truncated response counts as broken."""
        try:
            return self._ask(case)
        except httpx.HTTPError as error:
            return Answer("broken", repr(error))

    def _ask(self, case: Case) -> Answer:
        if case.kind == "request":
            method, path, options = case.what
            return _of(self.web.request(method, path, **options), echo=path.partition("=")[2])
        if case.kind == "saved file":
            return self.event("restore", [self.upload(case.what, "settings.json")])
        if case.kind == "link":
            return self.event("follow", [], {name: _sendable(value) for name, value in case.what.items()})
        asked: dict[str, Any] = {"image": {"path": self.good}, "prompt": "a hat", "optimisation_steps": 1}
        asked |= {"sampling_steps": 4}
        asked |= {
            "picture": lambda: {"image": self.upload(case.what)},
            "file path": lambda: {"image": case.what},
            "text": lambda: {"prompt": case.what},
            "settings": lambda: case.what,
            "API parameter": lambda: case.what,
        }[case.kind]()
        return self.steer(asked)

    def steer(self, asked: Mapping[str, Any]) -> Answer:
        """One run by the API."""
        try:
            body = json.dumps(asked)
        except ValueError:  # Python limits the digits of an integer; JSON does not
            body = json.dumps({**asked, "seed": 0}).replace('"seed": 0', f'"seed": {"9" * 5000}')
        joined = self.web.post(
            "gradio_api/call/v2/steer", content=body.encode(), headers={"content-type": "application/json"}
        )
        if joined.status_code != 200:
            return _of(joined)
        said = self.web.get(f"gradio_api/call/v2/steer/{joined.json()['event_id']}").text
        if "event: complete" in said:
            return Answer("taken")
        return _failed(said)

    def event(self, name: str, data: list[Any], query: Mapping[str, str] | None = None) -> Answer:
        """One event of the page that was opened with this query."""
        self._sent += 1
        session = f"visitor{self._sent}"
        events = self.web.get("config").json()["dependencies"]
        number = next(one["id"] for one in events if one["api_name"] == name)
        body = {"fn_index": number, "data": data, "session_hash": session}
        joined = self.web.post("gradio_api/queue/join", json=body, params=query)
        if joined.status_code != 200:
            return _of(joined)
        with self.web.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
            for line in lines.iter_lines():
                said = json.loads(line[5:]) if line.startswith("data:") else {}
                if said.get("msg") == "process_completed":
                    return _of_page(said)
        return Answer("broken", "no end")


def _of(response: httpx.Response, echo: str = "") -> Answer:
    """A status of 4xx with what it says, but for what the request itself said; other good answers are taken."""
    if response.status_code < 400:
        return Answer("taken", "" if "text/html" in response.headers.get("content-type", "") else response.text[:2000])
    sentence = response.text.replace(echo, "…") if echo else response.text
    if response.status_code < 500 or '"error":"' in sentence or "incident" in sentence:
        return Answer("refused", f"{response.status_code} {sentence[:390]}")
    return Answer("broken", f"{response.status_code} {sentence[:390]}")


def _failed(said: str) -> Answer:
    """The event stream of a run that ended with an error."""
    found = re.search(r'"error":\s*"((?:[^"\\]|\\.)+)"', said) or re.search(r'data:\s*"((?:[^"\\]|\\.)+)"', said)
    return Answer("refused", found[1]) if found else Answer("broken", said[-300:])


def _of_page(said: Mapping[str, Any]) -> Answer:
    """An event of the page: an error, or an alert among its updates."""
    output = said["output"]
    if not said["success"]:
        return Answer("refused", output["error"]) if output.get("error") else Answer("broken", str(output))
    alert = re.search(r'role=\\"alert\\">(.*?)</p>', json.dumps(output, ensure_ascii=False))
    return Answer("refused", alert[1]) if alert else Answer("taken")


def _sendable(text: str) -> str:
    """Whether the query is valid Unicode and short enough for a URL."""
    return text.encode("utf-8", "replace").decode()[:5000]
