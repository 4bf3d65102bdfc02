"""`Output`: the folder of a batch's results.

    NAME.png             the result, with its record inside
    NAME.frames.webp     the picture after each update, as tiles
    rows/NAME.json       the row of the table; written last, so a job with a row is complete
    results.csv          all rows
    results.parquet      the same
    batch.json           the model and the size of the batches

Every file is written under another name and renamed, so a file is complete or absent, whenever a process is killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.batch.jobs import Job
from studio.core.errors import UserError, disk_is_full
from studio.models.interface import Model

DONE, FAILED = "done", "failed"
_PLAN, _ROWS, _LOCK = "batch.json", "rows", ".lock"
Row = dict[str, Any]


@contextmanager
def saving() -> Iterator[None]:
    """Raises UserError where a file cannot be written."""
    try:
        yield
    except OSError as error:
        if disk_is_full(error):
            raise UserError("The disk is full: make room and start again; finished results are kept.") from error
        raise UserError(f"A result could not be saved ({error.strerror}): check the folder and start again.") from error


class Output:
    """The folder of one batch, made if it is missing.

    Args:
        path: the folder.
        model: of the batch.
        jobs: the whole list, whatever part of it this process has.

    Raises:
        UserError: the path is a file, or the folder holds other files or another batch.
    """

    def __init__(self, path: Path, model: Model, jobs: Sequence[Job]) -> None:
        self.path, self._model = path, model
        self._fingerprints = {job.name: job.fingerprint(model.digest) for job in jobs}
        self._check()

    def size(self, chosen: int) -> int:
        """The size of the batches: that of the first start, so that the results stay the same."""
        with saving():
            (self.path / _ROWS).mkdir(parents=True, exist_ok=True)
        with saving(), FileLock(self.path / _LOCK):  # several processes may start at once
            plan = self._plan()
            if not plan:
                plan = {"batch": chosen, "model": self._model.name, "sha256": self._model.digest}
                self._write(self.path / _PLAN, json.dumps(plan).encode())
        return int(plan["batch"])

    def lock(self, part: str) -> FileLock:
        """Held by the process that works on this part; its end releases it, however it ends.

        Raises:
            UserError: another process holds it.
        """
        lock = FileLock(self.path / f".{part}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"Another process is at work on this part of {self.path}: wait for it or stop it."
            ) from None
        return lock

    def rows(self) -> dict[str, Row]:
        """The rows so far, by name, without those that were damaged."""
        return read_rows(self.path)

    def done(self) -> set[str]:
        """The names of the jobs with a result."""
        rows = self.rows()
        return {name for name, row in rows.items() if row["status"] == DONE and (self.path / f"{name}.png").is_file()}

    def save(self, job: Job, row: Row, files: Mapping[str, bytes]) -> None:
        """Write a job's files, by suffix, then its row."""
        for suffix, data in files.items():
            self._write(self.path / f"{job.name}{suffix}", data)
        whole = {"name": job.name, **row, "fingerprint": self._fingerprints[job.name]}
        self._write(self.path / _ROWS / f"{job.name}.json", json.dumps(whole).encode())

    def table(self) -> int:
        """Write the table of all rows, and return their number."""
        with saving(), FileLock(self.path / _LOCK):
            return self._table()

    def _table(self) -> int:
        import pyarrow as pa
        from pyarrow import csv, parquet

        rows = [{k: v for k, v in row.items() if k != "fingerprint"} for row in self.rows().values()]
        names = dict.fromkeys(name for row in rows for name in row)
        table = pa.table({name: [row.get(name) for row in rows] for name in names})
        for suffix, write in ((".csv", csv.write_csv), (".parquet", parquet.write_table)):
            part = self._part(self.path / f"results{suffix}")
            write(table, part)
            part.replace(self.path / f"results{suffix}")
        return len(rows)

    def _write(self, path: Path, data: bytes) -> None:
        part = self._part(path)
        part.write_bytes(data)
        part.replace(path)

    def _part(self, path: Path) -> Path:
        return path.with_name(f".{path.name}.part")

    def _plan(self) -> Mapping[str, Any]:
        try:
            plan = json.loads((self.path / _PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            plan = None
        if not isinstance(plan, dict) or not isinstance(plan.get("batch"), int):
            raise UserError(f"{self.path / _PLAN} is damaged: choose a new folder.")
        return plan

    def _check(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path} is a file: choose a folder for the results.")
        if not self.path.is_dir() or not any(self.path.iterdir()):
            return
        plan = self._plan()
        if not plan and any(path.name not in (_LOCK, _ROWS) for path in self.path.iterdir()):
            raise UserError(f"{self.path} holds other files: choose a new or an empty folder for the results.")
        if plan and plan.get("sha256") != self._model.digest:
            raise UserError(f"{self.path} holds results of the model {plan.get('model')}: choose a new folder.")
        for name, row in self.rows().items():
            if row.get("status") == DONE and self._fingerprints.get(name) != row.get("fingerprint"):
                raise UserError(
                    f"{self.path} holds {name}.png of another batch, with other settings or pictures: choose a "
                    "new folder."
                )


def read_rows(folder: Path) -> dict[str, Row]:
    """The rows in the folder of a batch, by name, without those that were damaged."""
    found = {}
    for path in sorted((folder / _ROWS).glob("*.json")):
        try:
            row = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError):
            continue
        if isinstance(row, dict) and row.get("name") == path.stem:
            found[path.stem] = row
    return found
