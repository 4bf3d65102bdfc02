"""The app under test, with a small test model or the embedded model, and a meter on the network.

The meter counts network calls, below everything that is tested, and writes its counts into a file:

    overlaps      calls that began during another call
    interleaved   calls of a run after another run had used the device
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from torch import Tensor

import app
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.models.memory import memory_in_use
from studio.queue.app_state import Studio
from studio.queue.device import HOME, DeviceQueue
from studio.server import cleanup
from studio.server.gradio_internals import session_ids
from studio.ui.page import page

EVERY = 0.25


class Metered:
    """A network that counts its calls by run. Every run has its own thread."""

    def __init__(self, network: Any, pause: float) -> None:
        self._network, self._pause = network, pause
        self._busy, self._mine, self._next = threading.Lock(), threading.local(), count()
        self._last: int | None = None
        self.calls, self.runs, self.overlaps, self.interleaved = 0, 0, 0, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def __call__(self, t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        """The network's output, after a pause."""
        alone = self._busy.acquire(blocking=False)
        try:
            self._note(alone)
            time.sleep(self._pause)
            output: Tensor = self._network(t, x, z)
            return output
        finally:
            if alone:
                self._busy.release()

    def _note(self, alone: bool) -> None:
        self.calls += 1
        self.overlaps += not alone
        if not hasattr(self._mine, "run"):
            self._mine.run = next(self._next)
            self.runs += 1
        elif self._mine.run != self._last:
            self.interleaved += 1
        self._last = self._mine.run


def model_of(name: str) -> Model:
    """The small model of the tests, or the embedded model."""
    if name == "embedded":
        return embedded()
    model: Model = importlib.import_module("tests.stub").stub()
    return model


def watch(blocks: gr.Blocks, studio: Studio, meter: Metered, log: Path) -> None:
    """Write the counts into `log` until the program ends."""
    files, cpu = Path(os.environ["GRADIO_TEMP_DIR"]), torch.device("cpu")
    while True:
        found = {
            "calls": meter.calls,
            "runs": meter.runs,
            "overlaps": meter.overlaps,
            "interleaved": meter.interleaved,
            "memory": memory_in_use(cpu),
            "threads": threading.active_count(),
            "busy": studio.device.locked(),
            "visits": len(session_ids(blocks)),
            "files": sum(path.is_file() for path in files.rglob("*")),
        }
        draft = log.with_suffix(".new")
        with suppress(FileNotFoundError):  # the soak test has ended and deleted the folder
            draft.write_text(json.dumps(found), encoding="utf-8")
            draft.replace(log)
        time.sleep(EVERY)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=("stub", "embedded"), default="stub", help="model of the app")
    parser.add_argument("--port", type=int, required=True, help="port of the app")
    parser.add_argument("--log", type=Path, required=True, help="file for the counts")
    parser.add_argument("--pause", type=float, default=0.002, help="seconds added to every network call")
    parser.add_argument("--stay", type=float, default=3.0, help="seconds after which a session expires")
    given = parser.parse_args()
    torch.set_num_threads(1)
    sys.setswitchinterval(5e-4)
    cleanup.EXPIRY = given.stay
    model = model_of(given.model)
    meter = Metered(model.network, given.pause)
    studio = Studio(dataclasses.replace(model, network=meter), DeviceQueue(HOME))
    pictures = examples()
    studio.warm_up(pictures[0])
    blocks = page(studio, pictures)
    start: Callable[..., Any] = app.launch
    start(blocks, server_name="127.0.0.1", server_port=given.port, prevent_thread_lock=True, quiet=True)
    watch(blocks, studio, meter, given.log)


if __name__ == "__main__":
    main()
