"""The player of a run: one HTML file with its pictures inside, which opens without a server and makes no request."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.settings import changed, parse, title
from studio.export.frames import columns, to_tiles
from studio.export.provenance import SENTENCE
from studio.export.saved_run import SavedRun, losses
from studio.export.verdict import headline, rows
from studio.runs.measures.held_out import Verdict as Similarities
from studio.runs.measures.verdict import Verdict

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "studio"
Json = dict[str, Any]
CITATION = (
    "Zander W. Blasingame and Chen Liu: AdjointDEIS: Efficient Gradients for Diffusion Models. NeurIPS 2024, "
    "arXiv:2405.15020."
)
BIBTEX = """@inproceedings{blasingame2024adjointdeis,
  title     = {{AdjointDEIS}: Efficient Gradients for Diffusion Models},
  author    = {Blasingame, Zander W. and Liu, Chen},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {37},
  year      = {2024},
  eprint    = {2405.15020}
}"""
_SIDE = 512
_BUDGET = 1_200_000
"""Bytes of all steps together; with larger pictures their quality is reduced."""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def player(run: SavedRun) -> bytes:
    """The HTML file.

    Raises:
        UserError: the record is not one of a finished run.
    """
    values = described(run.record)
    values |= {"before": _uri(run.before), "after": _uri(run.after), "tiles": _tiles(run)}
    head = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    script = f"{asset('player.js')}\nplayer(document.getElementById('run'), {data(values)});"
    return page(values["title"], head, asset("player.css"), '<main id="run"></main>', script)


def described(record: Mapping[str, Any]) -> Json:
    """What the player shows of a record, without pictures.

    Raises:
        UserError: the record is not one of a finished run.
    """
    curve, measured = losses(record), record["measured"]
    settings = parse(record["settings"]) if isinstance(record.get("settings"), Mapping) else parse({})
    best = measured.get("best_step")
    goal = GOALS[settings.loss]
    name = settings.prompt if settings.needs_prompt else goal.summary or goal.label
    model = record.get("model") if isinstance(record.get("model"), Mapping) else {}
    assert isinstance(model, Mapping)
    return {
        "title": name or goal.label,
        "subtitle": f"{goal.label}. Model: {model.get('name', 'not recorded')}.",
        "losses": [round(value, 5) for value in curve],
        "best": best if isinstance(best, int) and 0 <= best < len(curve) else len(curve) - 1,
        "verdict": _verdict(record),
        "numbers": _numbers(measured, curve),
        "settings": [[title(field), str(value)] for field, value in changed(settings).items()]
        or [["All settings", "defaults"]],
        "citation": CITATION,
        "bibtex": BIBTEX,
        "note": SENTENCE,
    }


def data(values: Any) -> str:
    """JSON as part of a script: no text can end the script."""
    return json.dumps(values).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def page(name: str, head: str, style: str, body: str, script: str) -> bytes:
    """An HTML file with everything inside."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{head}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(name)}</title>'
        f"<style>{style}</style></head>\n<body>{body}<script>{script}</script></body></html>\n"
    ).encode()


@cache
def asset(name: str) -> str:
    """The text of a file in assets/studio."""
    return (ASSETS / name).read_text(encoding="utf-8")


def _verdict(record: Mapping[str, Any]) -> Json:
    if isinstance(morphs := record.get("verdicts"), Mapping):
        return _morph_verdict(morphs)
    found = record.get("verdict")
    if not isinstance(found, Mapping):
        return {"kind": "", "headline": "No verdict was recorded for this run.", "reason": "", "rows": []}
    try:
        verdict = Verdict.from_json(found)
        return {
            "kind": verdict.reached.replace(" ", "-"),
            "headline": headline(verdict),
            "reason": verdict.reason,
            "rows": [list(row) for row in rows(verdict)],
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError("The verdict in this file cannot be read: make the run again.") from error


def _morph_verdict(morphs: Mapping[str, Any]) -> Json:
    """On a morph: which face networks accept it as both people."""
    try:
        now = [Similarities(**{k: v for k, v in one.items() if k != "fooled"}) for one in morphs["steered"]]
        held_out = [one for one in now if not one.in_loss]
        accepted = sum(one.fooled for one in held_out)
        rows = [
            [
                f"{one.name}{' (in the loss)' if one.in_loss else ''}",
                f"{one.first:.2f} and {one.second:.2f}, threshold {one.strict:.2f}",
            ]
            for one in now
        ]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError("The verdict in this file cannot be read: make the run again.") from error
    kind = "yes" if held_out and accepted == len(held_out) else "partly" if accepted else "no"
    headline = f"Accepted as both people by {accepted} of {len(held_out)} held-out networks"
    return {"kind": kind, "headline": headline, "reason": "", "rows": rows}


def _numbers(measured: Mapping[str, Any], curve: list[float]) -> list[list[str]]:
    """Names and values, of what the record has."""
    trip = measured.get("round_trip")
    similarity = measured.get("similarity")
    found = [["Loss", f"{curve[0]:.3f} → {min(curve):.3f}"]]
    if isinstance(similarity, Mapping) and isinstance(after := similarity.get("after"), Mapping):
        earlier = similarity.get("before")
        before = earlier if isinstance(earlier, Mapping) else {}
        found += [[str(name), f"{_number(before.get(name))} → {_number(value)}"] for name, value in after.items()]
    if isinstance(trip, Mapping) and "largest_8bit_difference" in trip:
        found.append(["Largest error of the round trip", f"{trip['largest_8bit_difference']} of 255 levels"])
    for name, key, unit in (
        ("Network calls", "network_calls", ""),
        ("Time", "seconds", " s"),
        ("Peak memory", "most_memory_bytes", " MiB"),
    ):
        value = measured.get(key)
        if isinstance(value, int | float):
            found.append([name, (f"{value / 2**20:,.0f}" if unit == " MiB" else f"{value:,}") + unit])
    return found


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"


def _tiles(run: SavedRun) -> Json | None:
    if not run.frames:
        return None
    frames = [_reduced(frame) for frame in run.frames]
    qualities = (90, 80, 65, 50)
    sheet = next((tiles for q in qualities if len(tiles := to_tiles(frames, q)) <= _BUDGET), None)
    return {"src": _data(sheet or to_tiles(frames, qualities[-1])), "columns": columns(len(frames))}


def _uri(image: Image.Image) -> str:
    stream = io.BytesIO()
    reduced = _reduced(image)
    reduced.save(stream, "WEBP", lossless=reduced.width <= 128, quality=92, method=4)
    return _data(stream.getvalue())


def _reduced(image: Image.Image) -> Image.Image:
    return image if image.width <= _SIDE else image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)


def _data(webp: bytes) -> str:
    return f"data:image/webp;base64,{b64encode(webp).decode()}"
