"""Result rows on disk, one JSON line each, and the shares of several processes.

Each process appends its rows to its own file in a folder; readers read all files of the folder. So an interrupted
benchmark can be continued. Finished files may be gzipped.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

Row = dict[str, Any]
# networks that rows of earlier versions name otherwise
_RENAMED = {"judge": "convolutional", "jury": "transformer"}
ROOT = Path(__file__).resolve().parent.parent


def written(rows: Iterable[Row], path: Path) -> list[Row]:
    """All rows; each is printed and added to the file as soon as it is there."""
    done = []
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            done.append(row)
            print(json.dumps(row), file=file, flush=True)
            print(json.dumps(row), flush=True)
    return done


def parse(line: str) -> Row:
    """A row from its line of JSON, with the networks of earlier versions under the names of today.

    Raises:
        json.JSONDecodeError: the line is incomplete.
    """
    row: Row = json.loads(line, object_hook=lambda part: {_RENAMED.get(key, key): part[key] for key in part})
    return row


@dataclass(frozen=True)
class Share:
    """The part of the work of one process: items k with k % count == index.

    Raises:
        ValueError: index is not in 0 .. count - 1.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"A shard i/n needs 0 <= i < n; got {self.index}/{self.count}.")

    @classmethod
    def parse(cls, text: str) -> Share:
        """A share from text "i/n", 0 <= i < n.

        Raises:
            ValueError: the text has another form.
        """
        index, _, count = text.partition("/")
        if not (index.isdigit() and count.isdigit()):
            raise ValueError(f"A shard is written i/n, for example 0/2; got {text!r}.")
        return cls(int(index), int(count))

    @classmethod
    def of_this_process(cls) -> Share:
        """The share that `accelerate launch` gave this process; all work if it was started otherwise."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from accelerate import PartialState  # the extra `many`

        state = PartialState(cpu=True)
        return cls(state.process_index, state.num_processes)

    def wait(self) -> bool:
        """Wait for the other processes of `accelerate launch`; whether this process prints the result."""
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            state = PartialState(cpu=True)
            state.wait_for_everyone()
            state.destroy_process_group()
        return self.index == 0

    def of(self, items: Iterable[int]) -> list[int]:
        """The items of this process."""
        return [k for k in items if k % self.count == self.index]


@dataclass(frozen=True)
class Records:
    """The rows in a folder, and the file of this process in it."""

    folder: Path
    share: Share = Share()

    @property
    def path(self) -> Path:
        """The file of this process."""
        return self.folder / f"{self.share.index}-of-{self.share.count}.jsonl"

    def __iter__(self) -> Iterator[Row]:
        """All rows of all files; an incomplete line is skipped."""
        for path in sorted([*self.folder.glob("*.jsonl"), *self.folder.glob("*.jsonl.gz")]):
            packed = path.suffix == ".gz"
            text = gzip.decompress(path.read_bytes()).decode() if packed else path.read_text(encoding="utf-8")
            for line in text.splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    yield parse(line)

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows to the file of this process, in one write."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        before = self.path.read_bytes() if self.path.exists() else b""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if before and not before.endswith(b"\n") else "") + text)


def provenance(threads: int, device: str = "cpu") -> Row:
    """How a row was made: command, commit, date, torch version, machine, threads."""
    name = Path(sys.argv[0]).parent.name if sys.argv[0].endswith("__main__.py") else Path(sys.argv[0]).stem
    return {
        "command": shlex.join(["python", "-m", f"benchmarks.{name}", *sys.argv[1:]]),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "torch": version("torch"),
        "machine": platform.machine() if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": threads,
    }


def commit() -> str:
    """The short hash of the current commit, or "unknown" outside of a git repository."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
