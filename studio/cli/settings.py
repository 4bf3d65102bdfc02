"""Settings from the command line: a preset, then a file, then single values; later values override earlier ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import UserError
from studio.core.paper import PAPER
from studio.core.presets import PRESETS, suited
from studio.core.settings import Settings, migrated, parse
from studio.export.metadata import read_values


def collected(preset: str | None, file: Path | None, single: Sequence[str], job: str = "steer") -> dict[str, Any]:
    """Collect settings from all sources, not yet checked together.

    Args:
        preset: a key of PRESETS, or of PAPER if it is a run of this job.
        file: a JSON of settings (at its top level or under "settings"), or a PNG that the studio saved.
        single: entries "name=value".
        job: the command; a batch steers.

    Raises:
        UserError: no such preset, file or setting, or an entry without a name.
    """
    tab = "steer" if job == "batch" else job
    presets = {**PRESETS, **{name: run.values for name, run in PAPER.items() if run.tab == tab}}
    if preset is not None and preset not in presets:
        raise UserError(f"There is no preset {preset!r} for {job}; choose one of {', '.join(presets)}.")
    values: dict[str, Any] = dict(presets[preset]) if preset else {}
    values |= {} if file is None else _given(_read(file))
    return values | dict(_pair(entry) for entry in single)


def methods_of(preset: str | None) -> tuple[str, ...]:
    """The gradient methods that a run of the paper compares; none for another preset."""
    return PAPER[preset].methods if preset and preset in PAPER else ()


def existing(path: Path) -> Path:
    """Return the path of an existing file.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    return path


def _read(path: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(existing(path).read_text(encoding="utf-8"))
    except ValueError:  # neither text nor JSON: an image
        return read_values(path)
    return values if isinstance(values, Mapping) and "settings" not in values else read_values(path)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a file contains, without the values that suit its goal, because another goal may be set after it."""
    values, settings = migrated(values), parse(values)
    given = {name: getattr(settings, name) for name in values if name != "version"}
    suits = suited(settings.loss) if "loss" in given else {}
    return {name: value for name, value in given.items() if name not in suits or value != suits[name]}


def _pair(entry: str) -> tuple[str, str]:
    name, equals, value = entry.partition("=")
    if not equals or name not in Settings.model_fields:
        names = ", ".join(field for field in Settings.model_fields if field != "version")
        raise UserError(f"--set takes NAME=VALUE with one of these names: {names}; got {entry!r}.")
    return name, value
