"""Settings from a command line: a preset, a file, single values; later ones win."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import UserError
from studio.core.presets import PRESETS
from studio.core.settings import Settings, changed, parse
from studio.export.metadata import read_settings


def collected(preset: str | None, file: Path | None, single: Sequence[str]) -> dict[str, Any]:
    """The values that were asked for, not yet checked as a whole.

    Args:
        preset: a key of PRESETS.
        file: a JSON with settings (bare, or under "settings"), or a PNG that was saved here.
        single: "name=value" each.

    Raises:
        UserError: no such preset, file or setting, or a value without a name.
    """
    if preset is not None and preset not in PRESETS:
        raise UserError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    values: dict[str, Any] = dict(PRESETS[preset]) if preset else {}
    values |= {} if file is None else changed(_of_file(file))
    return values | dict(_pair(text) for text in single)


def existing(path: Path) -> Path:
    """The path itself.

    Raises:
        UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    return path


def _of_file(path: Path) -> Settings:
    try:
        values = json.loads(existing(path).read_text(encoding="utf-8"))
    except ValueError:  # no text, or no JSON: a picture
        return read_settings(path)
    if isinstance(values, Mapping) and "settings" not in values:
        return parse(values)
    return read_settings(path)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or name not in Settings.model_fields:
        known = ", ".join(field for field in Settings.model_fields if field != "version")
        raise UserError(f"--set takes NAME=VALUE with one of these names: {known}; got {text!r}.")
    return name, value
