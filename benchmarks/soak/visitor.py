"""`Visitor`: an open page as the HTTP that a browser would send for it: heartbeat, uploads, Run, its stream, Stop."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from gradio_client.utils import apply_diff  # type: ignore[import-untyped]

Json = dict[str, Any]
_PLACE = re.compile(r"In the queue: (\d+) runs? before")
_SEED = re.compile(r"<th scope=row>Seed</th><td>(\d+)</td>")


@dataclass
class Answers:
    """The status of every answer that was not the server's own end of the line."""

    counted: dict[int, int] = field(default_factory=dict)

    def note(self, response: httpx.Response) -> httpx.Response:
        """Count it, and hand it on."""
        self.counted[response.status_code] = self.counted.get(response.status_code, 0) + 1
        return response


@dataclass
class Seen:
    """What a run showed: seconds to the first frame, the place in line at first, and the last of every output."""

    place: int = 0
    first: float | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    over: bool = False

    @property
    def message(self) -> str:
        """The sentence below the buttons."""
        return str(self.shown.get("message") or "")

    @property
    def seed(self) -> int | None:
        """The one in the table of numbers."""
        found = _SEED.search(str(self.shown.get("numbers") or ""))
        return int(found[1]) if found else None


class Page:
    """What the server says of its page: which event is which, which component has which name and value."""

    def __init__(self, config: Json) -> None:
        self._parts = {part["id"]: part for part in config["components"]}
        self._events = config["dependencies"]

    def event(self, name: str) -> Json:
        """The first event whose handler has this name."""
        found: Json = next(one for one in self._events if one["api_name"] == name)
        return found

    def click(self, element: str) -> Json:
        """The event of a button."""
        (button,) = (key for key in self._parts if self._name(key) == element)
        found: Json = next(one for one in self._events if [button, "click"] in [list(t) for t in one["targets"]])
        return found

    def values(self, event: Json, changed: Mapping[str, Any]) -> list[Any]:
        """What a browser sends: the components' values, with those changed by hand."""
        return [changed.get(self._name(key), self._parts[key]["props"].get("value")) for key in event["inputs"]]

    def outputs(self, event: Json) -> list[str]:
        """Names of what an event shows."""
        return [self._name(key) for key in event["outputs"]]

    def _name(self, key: int) -> str:
        return self._parts[key]["props"].get("elem_id") or str(key)


class Visitor:
    """One open page. Use it as a context: leaving it closes the tab."""

    def __init__(self, url: str, answers: Answers) -> None:
        self._http = httpx.Client(base_url=f"{url}gradio_api/", timeout=120)
        self._answers, self.session = answers, uuid4().hex
        self.page = Page(answers.note(httpx.get(f"{url}config", timeout=60)).json())
        self._beat: AbstractContextManager[httpx.Response] = self._http.stream("GET", f"heartbeat/{self.session}")

    def __enter__(self) -> Visitor:
        self._answers.note(self._beat.__enter__())
        return self

    def __exit__(self, *reason: object) -> None:
        self._beat.__exit__(None, None, None)
        self._http.close()

    def upload(self, name: str, data: bytes) -> Json:
        """A file as the page passes files."""
        response = self._answers.note(self._http.post("upload", files={"files": (name, data)}))
        (path,) = response.json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def run(self, changed: Mapping[str, Any]) -> Generator[Seen, None, None]:
        """Press Run; what is shown, after every event. Closing this closes the stream, as a lost network would."""
        self._now("begin")
        try:
            yield from self._stream(self.page.event("run"), changed)
        finally:
            self._now("end")

    def stop(self) -> None:
        """Press Stop."""
        self._now("stop")

    def save(self, kind: str) -> bytes:
        """Press a button that saves; the file."""
        *_, last = self._stream(self.page.click(f"save-{kind}"), {})
        file = last.shown["file"]
        return self._answers.note(self._http.get(f"file={file['path']}")).content

    def _now(self, name: str) -> None:
        event = self.page.event(name)
        body = {"data": [], "fn_index": event["id"], "session_hash": self.session}
        self._answers.note(self._http.post("run/predict", json=body))

    def _stream(self, event: Json, changed: Mapping[str, Any]) -> Iterator[Seen]:
        began, seen, names = time.monotonic(), Seen(), self.page.outputs(event)
        body = {"data": self.page.values(event, changed), "fn_index": event["id"], "session_hash": self.session}
        if self._answers.note(self._http.post("queue/join", json=body)).status_code != 200:
            return
        values: list[Any] | None = None
        with self._http.stream("GET", "queue/data", params={"session_hash": self.session}) as response:
            self._answers.note(response)
            for line in response.iter_lines():
                if not line.startswith("data:"):
                    continue
                said = json.loads(line[5:])
                if said["msg"] == "process_generating":
                    values = _applied(values, said["output"]["data"])
                    _see(seen, names, values, began)
                    yield seen
                elif said["msg"] == "process_completed":
                    seen.over = bool(said["success"])
                    yield seen
                    return


def _applied(values: list[Any] | None, sent: list[Any]) -> list[Any]:
    """The first message has whole values, later ones what changed in them."""
    if values is None:
        return list(sent)
    return [apply_diff(before, change) for before, change in zip(values, sent, strict=True)]


def _see(seen: Seen, names: list[str], values: list[Any], began: float) -> None:
    for name, value in zip(names, values, strict=True):
        if isinstance(value, dict) and value.get("__type__") == "update":
            if "value" not in value:
                continue
            value = value["value"]
        seen.shown[name] = value
    if found := _PLACE.search(str(seen.shown.get("status") or "")):
        seen.place = max(seen.place, int(found[1]))
    if seen.first is None and isinstance(seen.shown.get("live"), dict) and seen.shown["live"].get("image"):
        seen.first = time.monotonic() - began
