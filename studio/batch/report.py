"""The report of a batch: one HTML file in its folder, which shows the pictures beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.batch.output import DONE, Row, read_rows
from studio.core.errors import UserError
from studio.export.frames import columns
from studio.export.html import asset, data, described, page
from studio.export.metadata import read_record
from studio.export.saved_run import FRAMES

FILE = "report.html"
_FIRST = (
    *("name", "status", "reason", "note", "prompt", "reached", "why_not", "other_changes"),
    *("loss_before", "loss_after", "best_step", "seed", "seconds"),
)
_ALWAYS = ("name", "status", "reached", "seconds")
_HIDDEN = {"fingerprint", "model", "model_sha256", "file"}


def write_report(folder: Path) -> Path:
    """Write the report of an output folder, and return its path.

    Raises:
        UserError: the folder is not one of a batch, or has no results yet.
    """
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.")
    rows = list(read_rows(folder).values())
    if not rows:
        raise UserError(f"{folder} holds no results of a batch: give the folder that --out named.")
    rows.sort(key=lambda row: (row.get("status") == DONE, str(row.get("name"))))
    names = _columns(rows)
    jobs = [{"cells": [_cell(row.get(name)) for name in names], "run": _run(folder, row)} for row in rows]
    missing = sum(row.get("status") != DONE for row in rows)
    values = {
        "title": f"Batch {folder.resolve().name}",
        "subtitle": f"{len(rows) - missing:,} results, {missing:,} failed. Model: {rows[-1].get('model')}.",
        "columns": [name.replace("_", " ") for name in names],
        "jobs": jobs,
    }
    script = f"{asset('player.js')}\n{asset('report.js')}\nreport(document.getElementById('report'), {data(values)});"
    style = asset("player.css") + asset("report.css")
    path = folder / FILE
    path.write_bytes(page(str(values["title"]), "", style, '<main id="report" class="report"></main>', script))
    return path


def _columns(rows: list[Row]) -> list[str]:
    """The columns with more than one value, and those that are always shown, the most telling ones first."""
    found = dict.fromkeys((*_FIRST, *(name for row in rows for name in row)))
    several = {name for name in found if len({json.dumps(row.get(name)) for row in rows}) > 1}
    return [name for name in found if name not in _HIDDEN and (name in several or name in _ALWAYS)]


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else str(value)


def _run(folder: Path, row: Row) -> dict[str, Any] | None:
    """What the player of a result needs; None for a job without one."""
    name = str(row.get("name"))
    if row.get("status") != DONE:
        return None
    try:
        values = described(read_record(folder / f"{name}.png"))
    except UserError:
        return None
    tiles = {"src": quote(f"{name}{FRAMES}"), "columns": columns(len(values["losses"]))}
    return {**values, "before": None, "after": quote(f"{name}.png"), "tiles": tiles}
