"""`Job`: one picture of a batch, from a line of a manifest or a file of a folder.

A manifest is a CSV file with a header, or a JSONL file with one object a line. Its columns are

    image      the picture, relative to the manifest
    second     the second picture, for goals that need one
    out        name of the result, without a suffix; made of picture, goal and seed if it is left out
    ...        any setting, by the name that --set takes

An empty cell means that the value is not given. What is wrong with the file as a whole is an error; what is wrong with
one line is the reason why that job fails.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.core.errors import UserError
from studio.core.settings import Settings, parse

COLUMNS = ("image", "second", "out", *(name for name in Settings.model_fields if name != "version"))
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})
"""Of the files of a folder that are taken for pictures."""
_LONGEST = 100
_NAME = re.compile(rf"[\w(][\w .()+-]{{0,{_LONGEST - 1}}}")
_MAX_BYTES = 64 * 2**20
_OF_A_BATCH = {"where": ""}
"""Pictures that run together have no areas."""


@dataclass(frozen=True)
class Job:
    """One picture and its settings.

    Args:
        line: where it is in the manifest, from 1 on; its place in a folder.
        name: of its files in the output folder, without a suffix.
        image: the picture to change.
        second: the second picture, or None.
        settings: checked; the defaults if they cannot be read.
        error: why it cannot run, or "".
    """

    line: int
    name: str
    image: Path
    second: Path | None
    settings: Settings
    error: str = ""

    def fingerprint(self, model: str) -> str:
        """Equal for jobs with the same result: names of the pictures, settings, and the digest of the model."""
        names = [self.image.name, self.second.name if self.second else ""]
        values = json.dumps([names, self.settings.model_dump(), model], sort_keys=True)
        return hashlib.sha256(values.encode()).hexdigest()


def read_jobs(source: Path, values: Mapping[str, Any], second: Path | None = None) -> list[Job]:
    """The jobs of a manifest or a folder.

    Args:
        source: a CSV or JSONL file, or a folder of pictures.
        values: settings of all jobs, which a line of a manifest may replace.
        second: the second picture of all jobs.

    Raises:
        UserError: the source is missing, unreadable or empty, a column is unknown, or two jobs write one file.
    """
    if source.is_dir():
        jobs = _of_folder(source, values, second)
    elif source.is_file():
        jobs = [_job(line, row, source.parent, values, second) for line, row in _rows(source)]
    else:
        raise UserError(f"There is no file or folder {source}.")
    if not jobs:
        raise UserError(f"{source} holds no jobs: give a folder of pictures, or a manifest with at least one line.")
    _check_names(jobs)
    return jobs


def _of_folder(folder: Path, values: Mapping[str, Any], second: Path | None) -> list[Job]:
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    stems = Counter(path.stem.casefold() for path in paths)
    jobs = []
    for line, path in enumerate(paths, 1):
        # two pictures may differ in their suffix only
        name = path.stem if stems[path.stem.casefold()] == 1 else path.name.replace(".", "-")
        jobs.append(_checked(Job(line, _usable(name, line), path, second, Settings()), values))
    return jobs


def _rows(source: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The lines of a manifest, with their numbers; empty cells are left out."""
    if source.stat().st_size > _MAX_BYTES:
        raise UserError(f"{source} is larger than {_MAX_BYTES // 2**20} MiB: split it, or give a folder of pictures.")
    try:
        text = source.read_text(encoding="utf-8-sig")
    except ValueError:
        raise UserError(f"{source} is not text in UTF-8: give a CSV or JSONL file, or a folder of pictures.") from None
    found = _json_rows(source, text) if source.suffix.lower() in (".jsonl", ".ndjson") else _csv_rows(source, text)
    for line, row in found:
        yield line, {name: value for name, value in row.items() if value not in (None, "")}


def _csv_rows(source: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        names = reader.fieldnames or []
        _check_columns(names, f"The first line of {source.name}")
        if len(set(names)) != len(names):
            raise UserError(f"The first line of {source.name} names a column twice: leave one out.")
        if "image" not in names:
            raise UserError(f"{source.name} has no column “image”: its first line names the columns.")
        for line, row in enumerate(reader, 2):
            if None in row:
                raise UserError(
                    f"Line {line} of {source.name} has more cells than columns: put texts with commas in quotes."
                )
            yield line, row
    except csv.Error as error:
        raise UserError(f"Line {reader.line_num} of {source.name} is not CSV: {error}.") from None


def _json_rows(source: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, part in enumerate(text.splitlines(), 1):
        if not part.strip():
            continue
        try:
            row = json.loads(part)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise UserError(f"Line {line} of {source.name} is not a JSON object: write one object a line.")
        _check_columns(row, f"Line {line} of {source.name}")
        yield line, row


def _check_columns(names: Sequence[str] | Mapping[str, Any], where: str) -> None:
    for name in names:
        if name not in COLUMNS:
            similar = difflib.get_close_matches(name, COLUMNS, 1)
            hint = f"did you mean “{similar[0]}”?" if similar else f"columns are {', '.join(COLUMNS)}."
            raise UserError(f"{where} has the unknown column “{name[:40]}”: {hint}")


def _job(line: int, row: Mapping[str, Any], folder: Path, values: Mapping[str, Any], second: Path | None) -> Job:
    texts = {name: str(row.get(name, "")).strip() for name in ("image", "second", "out")}
    image = folder / texts["image"]
    job = Job(line, texts["out"], image, folder / texts["second"] if texts["second"] else second, Settings())
    if not texts["image"]:
        job = replace(job, error="This line names no image.")
    own = {name: value for name, value in row.items() if name not in texts}
    job = _checked(job, {**values, **own})
    if not job.name:
        end = f"-{job.settings.loss.replace('_', '-')}-{job.settings.seed}"
        job = replace(job, name=_usable(image.stem, line, end) if texts["image"] else f"line-{line}")
    return job


def _usable(stem: str, line: int, end: str = "") -> str:
    """A name of a file, from that of a picture."""
    stem = re.sub(r"[^\w .()+-]", "_", stem).lstrip(" .-+)")[: _LONGEST - len(end)]
    return f"{stem or f'line-{line}'}{end}"


def _checked(job: Job, values: Mapping[str, Any]) -> Job:
    """The job with its settings, and what is wrong with them or with its pictures."""
    try:
        job = replace(job, settings=parse({**_OF_A_BATCH, **values}))
    except UserError as error:
        return replace(job, error=job.error or str(error))
    if not job.settings.needs_second_picture:
        job = replace(job, second=None)
    missing = [path for path in (job.image, job.second) if path is not None and not _is_file(path)]
    if missing and not job.error:
        job = replace(job, error=f"There is no file {missing[0].name[:80]}.")
    return job


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False


def _check_names(jobs: Sequence[Job]) -> None:
    known: dict[str, Job] = {}
    for job in jobs:
        if not _NAME.fullmatch(job.name):
            raise UserError(
                f"Line {job.line}: “{job.name[:40]}” cannot be the name of a file; use up to 100 letters, digits, "
                "spaces and . ( ) + - _ in the column “out”, and begin with a letter or digit."
            )
        key = job.name.casefold()  # some file systems do not distinguish capitals
        if key in known:
            raise UserError(
                f"Lines {known[key].line} and {job.line} both write {job.name}.png: give them different names in the "
                "column “out”."
            )
        known[key] = job
