"""What can be kept of a run: one line a kind of file, with the function that makes its bytes when it is asked for."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from studio.export.metadata import record, to_png
from studio.export.video import SIDE, mp4, webp
from studio.images.label import draw_label
from studio.images.load import enlarge
from studio.models.interface import Model
from studio.runs.events import Outcome

LARGE = 512


Record = Mapping[str, Any]


class Save(NamedTuple):
    """A kind of file: its name on the page, what follows the run's name in the file's, and what makes it."""

    label: str
    suffix: str
    make: Callable[[Outcome, Record | None], bytes]


def name(outcome: Outcome) -> str:
    """A file name that tells runs apart, with nothing in it that a person wrote."""
    return f"steered-{outcome.settings.loss.replace('_', '-')}-{outcome.settings.seed}"


def _large(outcome: Outcome, written: Record | None) -> bytes:
    more = None if written is None else {**written, "enlarged_from": outcome.before.width}
    return to_png(enlarge(outcome.after, LARGE), more)


def _settings(outcome: Outcome, written: Record | None) -> bytes:
    return json.dumps(written, indent=1).encode()


def _zip(outcome: Outcome, written: Record | None) -> bytes:
    """Every picture of the run, losslessly, beside its record."""
    pictures = {"before": outcome.before, "after": outcome.after}
    pictures |= {f"steps/step-{i:03}": frame for i, frame in enumerate(outcome.frames)}
    if outcome.path is not None:
        pictures |= {f"path/{i:02}-x_t": state for i, state in enumerate(outcome.path.states)}
        pictures |= {f"path/{i:02}-x_0": estimate for i, estimate in enumerate(outcome.path.estimates)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # PNGs are compressed already
        for path, picture in pictures.items():
            archive.writestr(f"{path}.png", to_png(picture, None))
        if written is not None:
            archive.writestr("settings.json", _settings(outcome, written))
    return stream.getvalue()


SAVES: Mapping[str, Save] = MappingProxyType(
    {
        "png": Save("Picture", ".png", lambda outcome, written: to_png(outcome.after, written)),
        "large": Save(f"Picture, {LARGE} px", f"-{LARGE}px.png", _large),
        "settings": Save("Settings", ".json", _settings),
        "mp4": Save("Video", ".mp4", lambda outcome, written: mp4(outcome.frames)),
        "webp": Save("Animated WebP", ".webp", lambda outcome, written: webp(outcome.frames)),
        "zip": Save("All frames", "-frames.zip", _zip),
    }
)


# a label is drawn on the enlarged picture, where it is sharp
_SIDES: Mapping[str, int] = MappingProxyType({"large": LARGE, "mp4": SIDE, "webp": SIDE // 2})


def _marked(kind: str, outcome: Outcome) -> Outcome:
    """With the corner label on every picture that the model made."""
    side = _SIDES.get(kind, 0)
    after, *frames = (draw_label(enlarge(picture, side)) for picture in (outcome.after, *outcome.frames))
    return dataclasses.replace(outcome, after=after, frames=tuple(frames))


def save(kind: str, outcome: Outcome, model: Model, folder: Path, inside: bool = True, *, marked: bool = False) -> Path:
    """The file, written into a folder.

    Args:
        kind: a key of SAVES.
        outcome: the run.
        model: what made it.
        folder: where to write.
        inside: whether the settings go into the picture too.
        marked: whether the corner label goes on the pictures; the note in their metadata is always there.

    Raises:
        UserError: this kind needs something that is not installed.
    """
    written = record(outcome, model) if inside or kind == "settings" else None
    path = folder / f"{name(outcome)}{SAVES[kind].suffix}"
    path.write_bytes(SAVES[kind].make(_marked(kind, outcome) if marked else outcome, written))
    return path
