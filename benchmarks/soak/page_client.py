"""`PageClient`: sends the HTTP requests of an open page: heartbeat, uploads, Run with its stream, Stop, save."""

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
class StatusCounts:
    """The number of responses by status code."""

    counted: dict[int, int] = field(default_factory=dict)

    def add(self, response: httpx.Response) -> httpx.Response:
        """Count a response, and return it."""
        self.counted[response.status_code] = self.counted.get(response.status_code, 0) + 1
        return response


@dataclass
class RunOutput:
    """The output of a run.

    Args:
        place: position in the queue at first.
        first: seconds to the first frame; None before it.
        shown: the latest value of each output, by name.
        over: whether the run has ended successfully.
    """

    place: int = 0
    first: float | None = None
    shown: dict[str, Any] = field(default_factory=dict)
    over: bool = False

    @property
    def message(self) -> str:
        """The message below the buttons."""
        return str(self.shown.get("message") or "")

    @property
    def seed(self) -> int | None:
        """The seed in the table of numbers; None if it is not shown."""
        found = _SEED.search(str(self.shown.get("numbers") or ""))
        return int(found[1]) if found else None


class Page:
    """The page's configuration from the server: events, and names and values of components."""

    def __init__(self, config: Json) -> None:
        self._parts = {part["id"]: part for part in config["components"]}
        self._events = config["dependencies"]

    def event(self, name: str) -> Json:
        """The first event whose handler has a name."""
        found: Json = next(one for one in self._events if one["api_name"] == name)
        return found

    def click(self, element: str) -> Json:
        """The click event of a button with an element id."""
        (button,) = (key for key in self._parts if self._name(key) == element)
        found: Json = next(one for one in self._events if [button, "click"] in [list(t) for t in one["targets"]])
        return found

    def values(self, event: Json, changed: Mapping[str, Any]) -> list[Any]:
        """The input values of an event: the components' defaults, except `changed` by name."""
        return [changed.get(self._name(key), self._parts[key]["props"].get("value")) for key in event["inputs"]]

    def outputs(self, event: Json) -> list[str]:
        """The names of an event's outputs."""
        return [self._name(key) for key in event["outputs"]]

    def _name(self, key: int) -> str:
        return self._parts[key]["props"].get("elem_id") or str(key)


class PageClient:
    """One open page; as a context manager, which closes the page at the end.

    Args:
        url: address of the app.
        counts: counts the responses.
    """

    def __init__(self, url: str, counts: StatusCounts) -> None:
        self._http = httpx.Client(base_url=f"{url}gradio_api/", timeout=120)
        self._counts, self.session = counts, uuid4().hex
        self.page = Page(counts.add(httpx.get(f"{url}config", timeout=60)).json())
        self._beat: AbstractContextManager[httpx.Response] = self._http.stream("GET", f"heartbeat/{self.session}")

    def __enter__(self) -> PageClient:
        self._counts.add(self._beat.__enter__())
        return self

    def __exit__(self, *reason: object) -> None:
        self._beat.__exit__(None, None, None)
        self._http.close()

    def upload(self, name: str, data: bytes) -> Json:
        """Upload a file; returns its reference for inputs."""
        response = self._counts.add(self._http.post("upload", files={"files": (name, data)}))
        (path,) = response.json()
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def run(self, changed: Mapping[str, Any]) -> Generator[RunOutput, None, None]:
        """Press Run; yields the output after every event. Closing the generator closes the stream."""
        try:
            yield from self._stream(self.page.event("run"), changed)
        finally:
            self._call("end", {})

    def stop(self) -> None:
        """Press Stop."""
        self._call("stop", {})

    def save(self, kind: str) -> bytes:
        """Press a save button; returns the file."""
        *_, last = self._stream(self.page.click(f"save-{kind}"), {})
        file = last.shown["file"]
        return self._counts.add(self._http.get(f"file={file['path']}")).content

    def _call(self, name: str, changed: Mapping[str, Any]) -> None:
        event = self.page.event(name)
        body = {"data": self.page.values(event, changed), "fn_index": event["id"], "session_hash": self.session}
        self._counts.add(self._http.post("run/predict", json=body))

    def _stream(self, event: Json, changed: Mapping[str, Any]) -> Iterator[RunOutput]:
        began, output, names = time.monotonic(), RunOutput(), self.page.outputs(event)
        body = {"data": self.page.values(event, changed), "fn_index": event["id"], "session_hash": self.session}
        if self._counts.add(self._http.post("queue/join", json=body)).status_code != 200:
            return
        values: list[Any] | None = None
        with self._http.stream("GET", "queue/data", params={"session_hash": self.session}) as response:
            self._counts.add(response)
            for line in response.iter_lines():
                if not line.startswith("data:"):
                    continue
                event_data = json.loads(line[5:])
                if event_data["msg"] == "process_generating":
                    values = _applied(values, event_data["output"]["data"])
                    _update(output, names, values, began)
                    yield output
                elif event_data["msg"] == "process_completed":
                    output.over = bool(event_data["success"])
                    yield output
                    return


def _applied(values: list[Any] | None, sent: list[Any]) -> list[Any]:
    """The output values: the first message holds complete values, later ones hold changes."""
    if values is None:
        return list(sent)
    return [apply_diff(before, change) for before, change in zip(values, sent, strict=True)]


def _update(output: RunOutput, names: list[str], values: list[Any], began: float) -> None:
    for name, value in zip(names, values, strict=True):
        if isinstance(value, dict) and value.get("__type__") == "update":
            if "value" not in value:
                continue
            value = value["value"]
        output.shown[name] = value
    if found := _PLACE.search(str(output.shown.get("status") or "")):
        place = 1 if found[1] == "one" else int(found[1])
        output.place = max(output.place, place)
    live = output.shown.get("live")
    # before the first frame of the run the model's input is shown
    if output.first is None and isinstance(live, dict) and live.get("image") and "input" not in live.get("caption", ""):
        output.first = time.monotonic() - began
