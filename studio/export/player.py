"""What the page's viewers are given: plain JSON with small pictures inside, so that looking through a run needs no
further word with the server.

Pictures go as they are, losslessly and at the model's size, up to `WIDEST` pixels; the browser enlarges them.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from PIL import Image

from studio.images.difference import difference
from studio.runs.events import CurvePoint, Outcome, Progress

WIDEST = 256
Json = dict[str, Any]


def uri(image: Image.Image) -> str:
    """A small picture as a data URI: PNG, or JPEG where it had to be reduced or would be large."""
    if image.width > WIDEST:
        image = image.resize((WIDEST, round(WIDEST * image.height / image.width)), Image.Resampling.LANCZOS)
    kind = "PNG" if image.width <= 128 else "JPEG"
    stream = io.BytesIO()
    image.save(stream, kind, **({"compress_level": 3} if kind == "PNG" else {"quality": 90}))
    return f"data:image/{kind.lower()};base64,{b64encode(stream.getvalue()).decode()}"


def curves(curve: Sequence[CurvePoint]) -> Json:
    """The total loss and its terms, one list of values each."""
    names = ["total", *curve[0].terms] if curve else ["total"]
    if len(names) == 2:  # one term is the total
        names = ["total"]
    rows = [{"total": point.total, **point.terms} for point in curve]
    return {name: [round(row[name], 5) for row in rows] for name in names}


def moving(event: Progress) -> Json:
    """The state now, and the curves so far."""
    optimising = event.phase == "optimise"
    return {
        "image": uri(event.image),
        "curves": curves(event.curve),
        "steps": event.steps if optimising else 0,
        "caption": f"step {event.step} of {event.steps}" if optimising else "inverting to noise",
    }


def film(outcome: Outcome, play: bool = False) -> Json:
    """Every step, and the sampler's path to the best one.

    Args:
        outcome: of a run.
        play: show the steps one after the other when it appears.
    """
    path = outcome.path
    return {
        "frames": [uri(frame) for frame in outcome.frames],
        "curves": curves(outcome.curve),
        "steps": outcome.settings.optimisation_steps,
        "best": outcome.curve.index(outcome.best),
        "path": {
            "states": [uri(state) for state in path.states],
            "estimates": [uri(estimate) for estimate in path.estimates],
            "noise": [round(sigma, 4) for sigma in path.noise],
        }
        if path and path.states
        else None,
        "play": play,
    }


def pair(outcome: Outcome) -> Json:
    """Before, after and what lies between them."""
    found = difference(outcome.before, outcome.after)
    return {
        "before": uri(outcome.before),
        "after": uri(outcome.after),
        "difference": uri(found.image),
        "scale": f"Brightest: {found.largest} of 255 levels. Mean: {found.mean:.1f}. "
        f"{found.moved:.0%} of the pixels moved by more than 8.",
    }
