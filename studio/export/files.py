"""The files that a run can be saved as: `SAVES` has one entry for each kind, with the function that makes its bytes."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from PIL import Image

from studio.export.html import player
from studio.export.metadata import record, to_png
from studio.export.saved_run import SavedRun
from studio.export.video import SIDE, mp4, webp
from studio.images.label import draw_label
from studio.images.load import enlarge
from studio.models.enlarged import enlarged, enlarges
from studio.models.interface import Model
from studio.runs.events import Outcome

LARGE = 512
Record = Mapping[str, Any]


class Save(NamedTuple):
    """A kind of file: its label on the page, its suffix, the function that makes its bytes, and the side to which it
    enlarges a picture, or 0.
    """

    label: str
    suffix: str
    make: Callable[[Outcome, Record | None], bytes]
    side: int = 0

    def label_at(self, size: int) -> str:
        """The label, with the factor by which pictures of `size` pixels are enlarged."""
        factor = self.side / size
        return f"{self.label}, enlarged {factor:.3g}\u00a0×" if factor > 1 else self.label


def name(outcome: Outcome) -> str:
    """The stem of a run's file names: its loss and seed, and no text that a user wrote."""
    return f"steered-{outcome.settings.loss.replace('_', '-')}-{outcome.settings.seed}"


def _picture(outcome: Outcome, metadata: Record | None) -> bytes:
    return to_png(outcome.after, metadata)


def _settings(outcome: Outcome, metadata: Record | None) -> bytes:
    return json.dumps(metadata, indent=1).encode()


def _zip(outcome: Outcome, metadata: Record | None) -> bytes:
    """Every image of the run as PNG, and its record."""
    images = {"before": outcome.before, "after": outcome.after}
    images |= {f"steps/step-{i:03}": frame for i, frame in enumerate(outcome.frames)}
    if outcome.path is not None:
        images |= {f"path/{i:02}-x_t": state for i, state in enumerate(outcome.path.states)}
        images |= {f"path/{i:02}-x_0": estimate for i, estimate in enumerate(outcome.path.estimates)}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # without compression: PNGs are compressed already
        for path, image in images.items():
            archive.writestr(f"{path}.png", to_png(image, None))
        if metadata is not None:
            archive.writestr("settings.json", _settings(outcome, metadata))
    return stream.getvalue()


def _player(outcome: Outcome, metadata: Record | None) -> bytes:
    return player(SavedRun(metadata or {}, outcome.before, outcome.after, outcome.frames))


SAVES: Mapping[str, Save] = MappingProxyType(
    {
        "png": Save("Picture", ".png", _picture),
        "large": Save(f"{LARGE} px", f"-{LARGE}px.png", _picture, LARGE),
        "settings": Save("Settings", ".json", _settings),
        "mp4": Save("Video", ".mp4", lambda outcome, metadata: mp4(outcome.frames)),
        "webp": Save("Animated WebP", ".webp", lambda outcome, metadata: webp(outcome.frames)),
        "zip": Save("All frames", "-frames.zip", _zip),
        "html": Save("Player", ".html", _player),
    }
)


_SIDES: Mapping[str, int] = MappingProxyType({"large": LARGE, "mp4": SIDE, "webp": SIDE // 2})


def _enlarged_to(side: int, image: Image.Image, model: Model) -> Image.Image:
    """Enlarged by the model's network if it has one, else by Lanczos filtering; itself if it is as large."""
    larger = enlarged(image, model) if image.width < side else image
    if larger is image:
        return enlarge(image, side)
    return larger if larger.width == side else larger.resize((side, side), Image.Resampling.LANCZOS)


def _shown(kind: str, outcome: Outcome, model: Model, marked: bool) -> Outcome:
    """The outcome with every generated image as this kind of file shows it: enlarged, then with the corner label."""
    side, drawn = _SIDES.get(kind, 0), () if SAVES[kind].side else outcome.frames
    large = (_enlarged_to(side, image, model) for image in (outcome.after, *drawn))
    after, *frames = (draw_label(image) if marked else image for image in large)
    return dataclasses.replace(outcome, after=after, frames=tuple(frames))


def save(kind: str, outcome: Outcome, model: Model, folder: Path, inside: bool = True, *, marked: bool = False) -> Path:
    """Write a run's file into a folder, and return its path.

    Args:
        kind: a key of SAVES.
        outcome: the run.
        model: the model of the run.
        folder: output folder.
        inside: whether the image contains the settings.
        marked: whether the images have the corner label; their metadata always has the note.

    Raises:
        UserError: this kind needs a package that is not installed.
    """
    metadata = record(outcome, model) if inside or kind in ("settings", "html") else None
    path = folder / f"{name(outcome)}{SAVES[kind].suffix}"
    if metadata is not None and SAVES[kind].side:
        how = "network" if enlarges(model, outcome.after) else "Lanczos"
        metadata = {**metadata, "enlarged_from": outcome.before.width, "enlarged_by": how}
    path.write_bytes(SAVES[kind].make(_shown(kind, outcome, model, marked), metadata))
    return path
