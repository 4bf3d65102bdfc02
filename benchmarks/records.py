"""Rows on disk: one JSON line a result, appended as it is found, so that what was cut off goes on where it stopped.

Several processes write several files of one folder, and whoever reads takes the folder as a whole. What will not grow
any more may be gzipped.
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
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Share:
    """Which part of the work is this process's: item k if k % count == index.

    Raises:
        ValueError: index not in 0 .. count - 1.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"A shard i/n needs 0 <= i < n; got {self.index}/{self.count}.")

    @classmethod
    def parse(cls, text: str) -> Share:
        """From "i/n", i from 0."""
        index, _, count = text.partition("/")
        if not (index.isdigit() and count.isdigit()):
            raise ValueError(f"A shard is written i/n, for example 0/2; got {text!r}.")
        return cls(int(index), int(count))

    @classmethod
    def of_this_process(cls) -> Share:
        """As `accelerate launch` says; the whole where it did not start this process."""
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from accelerate import PartialState  # the extra `many`

        state = PartialState(cpu=True)
        return cls(state.process_index, state.num_processes)

    def wait(self) -> bool:
        """Wait for the others that `accelerate launch` started, if it did; whether this is the one that reports."""
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
    """The rows in a folder, and this process's file there."""

    folder: Path
    share: Share = Share()

    @property
    def path(self) -> Path:
        """The file of this process."""
        return self.folder / f"{self.share.index}-of-{self.share.count}.jsonl"

    def __iter__(self) -> Iterator[Row]:
        """All rows of all files; a line that was cut off is passed over."""
        for path in sorted([*self.folder.glob("*.jsonl"), *self.folder.glob("*.jsonl.gz")]):
            packed = path.suffix == ".gz"
            text = gzip.decompress(path.read_bytes()).decode() if packed else path.read_text(encoding="utf-8")
            for line in text.splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    yield json.loads(line)

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows, all or none of them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row) + "\n" for row in rows)
        before = self.path.read_bytes() if self.path.exists() else b""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if before and not before.endswith(b"\n") else "") + text)


def provenance(threads: int, device: str = "cpu") -> Row:
    """What made a row: command, commit, versions, machine."""
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
    """The short name of the checkout's commit, or "unknown" where there is none."""
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"
