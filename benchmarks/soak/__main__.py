"""`python -m benchmarks.soak`: start the app, send it a day of visitors, say what held.

python -m benchmarks.soak --out docs/soak.md                            # a quick stand-in for the model
python -m benchmarks.soak --model embedded --out docs/soak-embedded.md  # the embedded model
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from benchmarks.soak.page_client import Answers
from benchmarks.soak.report import Sample, markdown, verdicts
from benchmarks.soak.users import Person, Trial

SIZES = {"stub": 16, "embedded": 64}
START, END = 180.0, 60.0


class Day:
    """All runs of all clients, and what the meter wrote meanwhile."""

    def __init__(self, url: str, log: Path, given: argparse.Namespace) -> None:
        self._url, self._log, self._given, self._lock = url, log, given, Lock()
        self._left, self._until = given.runs, time.monotonic() + 60 * given.minutes
        self.answers, self.trials, self.samples = Answers(), list[Trial](), list[Sample]()

    def live(self, client: int) -> None:
        """One client, until the day is over."""
        person = Person(self._url, SIZES[self._given.model], self._given.seed * 1000 + client, self.answers)
        while (most := self._take()) and time.monotonic() < self._until:
            trials = person.visit(most)
            with self._lock:
                self._left += most - len(trials)
                self.trials += trials
                self.samples.append(Sample(len(self.trials), self.found()))

    def found(self) -> dict[str, Any]:
        """What the meter wrote last."""
        read: dict[str, Any] = json.loads(self._log.read_text(encoding="utf-8"))
        return read

    def end(self, files: Path) -> None:
        """Wait until everybody is forgotten, or long enough; then count what is left."""
        until = time.monotonic() + END
        while time.monotonic() < until and (self.found()["busy"] or self.found()["visits"] or _left(files)):
            time.sleep(0.5)
        last = {**self.found(), "memory": self.samples[-1].found["memory"], "left": _left(files)}
        self.samples.append(Sample(len(self.trials), last))

    def _take(self) -> int:
        """How many runs a visit may have; they are taken off the day until it is known how many it had."""
        with self._lock:
            most: int = min(self._left, 4)
            self._left -= most
            return most


def _left(files: Path) -> int:
    """Files of visitors: what they uploaded, and what they saved."""
    names = [path.name for path in files.rglob("*") if path.is_file()]
    return sum(name.startswith(("visitor", "program", "steered", "result")) for name in names)


def spend(given: argparse.Namespace) -> tuple[Day, str]:
    """Start the app, let the day pass, end the app."""
    with TemporaryDirectory(prefix="studio-soak-") as folder:
        log, files = Path(folder) / "meter.json", Path(folder) / "files"
        files.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        asked = ["--model", given.model, "--port", str(port), "--log", str(log)]
        app = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.soak.served_app", *asked],
            env={**os.environ, "GRADIO_TEMP_DIR": str(files)},
        )
        try:
            _until_there(app, log)
            day, began = Day(f"http://127.0.0.1:{port}/", log, given), time.monotonic()
            with ThreadPoolExecutor(given.clients) as clients:
                list(clients.map(day.live, range(given.clients)))
            minutes = (time.monotonic() - began) / 60
            day.end(files)
        finally:
            app.send_signal(signal.SIGKILL)
            app.wait()
    done, memory = len(day.trials), day.samples[-1].found["memory"] / 1e6
    about = (
        f"{done} runs by {given.clients} visitors at once in {minutes:.1f} minutes on the "
        f"{'embedded model' if given.model == 'embedded' else 'quick stand-in for the model'} "
        f"(`python -m benchmarks.soak --runs {given.runs} --clients {given.clients} --seed {given.seed}"
        f"{'' if given.model == 'stub' else ' --model embedded'}`); {day.samples[-1].found['calls']:,} network calls; "
        f"{memory:.0f} MB held at the end."
    )
    return day, about


def _until_there(app: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START
    while not log.exists():
        if app.poll() is not None or time.monotonic() > until:
            sys.exit("The app did not start: see what it wrote above.")
        time.sleep(0.2)


def main(words: Sequence[str] | None = None) -> int:
    """Returns how many rules were broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0, help="of everything that visitors do by chance")
    parser.add_argument("--minutes", type=float, default=60.0, help="no new visit begins after this")
    parser.add_argument("--model", choices=SIZES, default="stub", help="a quick stand-in, or the embedded model")
    parser.add_argument("--out", type=Path, help="write the figures into this Markdown file")
    given = parser.parse_args(words)
    day, about = spend(given)
    said = markdown(about, day.trials, day.samples, day.answers.counted)
    print(said)
    for one in day.trials:
        if one.trouble:
            print(f"{one.kind}: {one.trouble}", file=sys.stderr)
    if given.out:
        given.out.write_text(said, encoding="utf-8")
    return sum(not one.held for one in verdicts(day.trials, day.samples, day.answers.counted))


if __name__ == "__main__":
    sys.exit(main())
