"""JSON for the page's viewers, with images as data URIs, so that the viewers need no further request.

Images are sent losslessly at the model's size up to 128 pixels, as JPEG above, and are reduced to `MAX_WIDTH` pixels;
the browser enlarges them. Pictures of a model with a network for that are enlarged here, and sent as JPEG.
"""

from __future__ import annotations

import io
import weakref
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from PIL import Image

from studio.images.difference import difference
from studio.models.enlarged import enlarged, enlarges
from studio.models.interface import Model
from studio.runs.events import CurvePoint, Outcome, Progress
from studio.runs.goals.measured_loss import is_of_code

MAX_WIDTH = 256
Json = dict[str, Any]


def uri(image: Image.Image, model: Model | None = None) -> str:
    """An image as a data URI: PNG up to 128 pixels wide, JPEG above.

    Args:
        image: to encode.
        model: whose picture it is, so that it may be enlarged.
    """
    if model is not None and enlarges(model, image):
        return _enlarged(image, model)
    if image.width > MAX_WIDTH:
        image = image.resize((MAX_WIDTH, round(MAX_WIDTH * image.height / image.width)), Image.Resampling.LANCZOS)
    return _encoded(image, "PNG", compress_level=3) if image.width <= 128 else _encoded(image, "JPEG", quality=90)


_ENLARGED: dict[tuple[int, str], str] = {}
"""Data URIs by image and model: a run shows each picture when it is made, and again when it ends. Each is deleted with
its image.
"""


def _enlarged(image: Image.Image, model: Model) -> str:
    key = id(image), model.digest
    text = _ENLARGED.get(key)
    if text is None:
        text = _ENLARGED[key] = _encoded(enlarged(image, model), "JPEG", quality=90, subsampling=0)
        weakref.finalize(image, _ENLARGED.pop, key, None)
    return text


def _encoded(image: Image.Image, kind: str, **options: int) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(stream.getvalue()).decode()}"


def curves(curve: Sequence[CurvePoint]) -> Json:
    """The total loss and its terms, a list of values for each; terms of the code have no curve."""
    names = ["total", *(name for name in curve[0].terms if not is_of_code(name))] if curve else ["total"]
    if len(names) == 2:  # a single term equals the total
        names = ["total"]
    rows = [{"total": point.total, **point.terms} for point in curve]
    return {name: [round(row[name], 5) for row in rows] for name in names}


def progress_view(event: Progress, model: Model | None = None) -> Json:
    """The current image and the curves so far; `model` as for `uri`."""
    optimising = event.phase == "optimise"
    return {
        "image": uri(event.image, model if optimising else None),  # noise while it is encoded
        "curves": curves(event.curve),
        "steps": event.steps if optimising else 0,
        "caption": f"step {event.step} of {event.steps}" if optimising else "inverting to noise",
    }


def playback_view(outcome: Outcome, model: Model | None = None, play: bool = False) -> Json:
    """The image of every step, and the sampling trajectory of the best one.

    Args:
        outcome: of a run.
        model: as for `uri`.
        play: whether the viewer starts playing the steps at once.
    """
    path = outcome.path
    return {
        "frames": [uri(frame, model) for frame in outcome.frames],
        "curves": curves(outcome.curve),
        "steps": outcome.curve[-1].step,
        "best": outcome.curve.index(outcome.best),
        "path": {
            "states": [uri(state) for state in path.states],
            "estimates": [uri(estimate, model) for estimate in path.estimates],
            "noise": [round(sigma, 4) for sigma in path.noise],
        }
        if path and path.states
        else None,
        "play": play,
    }


def comparison_view(outcome: Outcome, model: Model | None = None) -> Json:
    """The image before and after the run, and their difference; `model` as for `uri`."""
    return pair_view(outcome.before, outcome.after, model)


def pair_view(before: Image.Image, after: Image.Image, model: Model | None = None) -> Json:
    """Two images and their difference; `model` as for `uri`."""
    found = difference(before, after)
    return {
        "before": uri(before, model),
        "after": uri(after, model),
        "difference": uri(found.image),
        "scale": f"Brightest: {found.largest} of 255 levels. Mean: {found.mean:.1f}. "
        f"{found.changed:.0%} of the pixels moved by more than 8.",
    }
