"""`run`: start the app, simulate its users, and stop it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from benchmarks.soak.page_client import StatusCounts
from benchmarks.soak.report import Sample
from benchmarks.soak.users import Trial, User

SIZES = {"stub": 16, "embedded": 64}
START, END = 180.0, 60.0


class SoakTest:
    """The runs of all users, and the output of the meter.

    Args:
        url: address of the app.
        log: file of the meter.
        given: the command line.
    """

    def __init__(self, url: str, log: Path, given: argparse.Namespace) -> None:
        self._url, self._log, self._given, self._lock = url, log, given, Lock()
        self._left, self._until = given.runs, time.monotonic() + 60 * given.minutes
        self.counts, self.trials, self.samples = StatusCounts(), list[Trial](), list[Sample]()

    def simulate(self, client: int) -> None:
        """Simulate one user until the end of the test."""
        user = User(self._url, SIZES[self._given.model], self._given.seed * 1000 + client, self.counts)
        while (most := self._take()) and time.monotonic() < self._until:
            trials = user.visit(most)
            with self._lock:
                self._left += most - len(trials)
                self.trials += trials
                self.samples.append(Sample(len(self.trials), self.found()))

    def found(self) -> dict[str, Any]:
        """The latest output of the meter."""
        read: dict[str, Any] = json.loads(self._log.read_text(encoding="utf-8"))
        return read

    def end(self, files: Path) -> None:
        """Wait until all sessions have expired, or for `END` seconds; then count what is left."""
        until = time.monotonic() + END
        while time.monotonic() < until and (self.found()["busy"] or self.found()["visits"] or _left(files)):
            time.sleep(0.5)
        last = {**self.found(), "memory": self.samples[-1].found["memory"], "left": _left(files)}
        self.samples.append(Sample(len(self.trials), last))

    def _take(self) -> int:
        """Reserve the runs of a visit; those that it does not make are returned later."""
        with self._lock:
            most: int = min(self._left, 4)
            self._left -= most
            return most


def _left(files: Path) -> int:
    """The number of files that users uploaded or saved."""
    names = [path.name for path in files.rglob("*") if path.is_file()]
    return sum(name.startswith(("soak-", "steered", "result")) for name in names)


def run(given: argparse.Namespace) -> tuple[SoakTest, str]:
    """Start the app, simulate its users, and stop it; returns the results and a description of the test."""
    with TemporaryDirectory(prefix="studio-soak-") as folder:
        log, files = Path(folder) / "meter.json", Path(folder) / "files"
        files.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = ["--model", given.model, "--port", str(port), "--log", str(log)]
        app = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.served_app", *arguments],
            env={**os.environ, "GRADIO_TEMP_DIR": str(files)},
        )
        try:
            _wait_for(app, log)
            test, began = SoakTest(f"http://127.0.0.1:{port}/", log, given), time.monotonic()
            with ThreadPoolExecutor(given.clients) as clients:
                list(clients.map(test.simulate, range(given.clients)))
            minutes = (time.monotonic() - began) / 60
            test.end(files)
        finally:
            app.send_signal(signal.SIGKILL)
            app.wait()
    done, memory = len(test.trials), test.samples[-1].found["memory"] / 1e6
    about = (
        f"{done} runs by {given.clients} users at once in {minutes:.1f} minutes with "
        f"{'the embedded model' if given.model == 'embedded' else 'a small test model'} "
        f"(`python -m benchmarks.soak --runs {given.runs} --clients {given.clients} --seed {given.seed}"
        f"{'' if given.model == 'stub' else ' --model embedded'}`); {test.samples[-1].found['calls']:,} network calls; "
        f"{memory:.0f} MB at the end."
    )
    return test, about


def _wait_for(app: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START
    while not log.exists():
        if app.poll() is not None or time.monotonic() > until:
            sys.exit("The app did not start: see its output above.")
        time.sleep(0.2)
