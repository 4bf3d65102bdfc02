"""The recorded runs that the Morph and Compare tabs open with.

    python -m studio.export.recorded_tabs        makes both on the embedded model; writes assets/recordings/tabs/

A recording is two small files: NAME.json (settings, curves, measurements) and NAME.webp (its pictures, lossless).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from adjointdeis import Audit
from studio.core.cancellation import CancelToken
from studio.core.goals import PROMPTS
from studio.core.gradients import compared_methods
from studio.core.settings import parse
from studio.export.morph import morph_record
from studio.export.recordings import FOLDER as RECORDINGS
from studio.export.recordings import sheet, tiles
from studio.models.catalogue.registry import DEFAULT, ENTRIES
from studio.models.embedded import embedded, examples, morph_examples
from studio.models.interface import Model
from studio.runs.compare import Column, Comparison, compare
from studio.runs.events import CurvePoint, Outcome
from studio.runs.measures.held_out import Verdict
from studio.runs.measures.round_trip import RoundTrip
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request

FOLDER = RECORDINGS / "tabs"
# an ODE on the grid of the paper's morphs; few updates, because four methods run
COMPARE: Mapping[str, Any] = {"loss": "clip_text", "mode": "ode", "sampling_steps": 20, "optimisation_steps": 6}
"""Settings of a comparison that differ from the usual ones: those of the recording, and of the tab when it opens."""


@dataclass(frozen=True)
class RecordedMorph:
    """A finished morph, and the SHA-256 of the weights that it was made with."""

    morphed: Morphed
    digest: str


@dataclass(frozen=True)
class RecordedComparison:
    """A finished comparison, and the SHA-256 of the weights that it was made with."""

    comparison: Comparison
    digest: str


def write_morph(morphed: Morphed, model: Model, folder: Path = FOLDER) -> None:
    """Write a morph's two files."""
    outcome = morphed.outcome
    values = {**morph_record(morphed, model), "curve": [asdict(point) for point in outcome.curve]}
    _write(folder / "morph.json", values)
    pictures = [morphed.first, outcome.before, outcome.after, morphed.second]
    sheet(pictures).save(folder / "morph.webp", lossless=True, method=6)


def load_morph(folder: Path = FOLDER) -> RecordedMorph | None:
    """The recorded morph, without its frames; None if there is none."""
    values = _read(folder / "morph.json")
    if values is None:
        return None
    first, before, after, second = tiles(folder / "morph.webp", 4)
    measured = values["measured"]
    curve = tuple(CurvePoint(**point) for point in values["curve"])
    psnr = measured["round_trip"]["psnr_db"]
    outcome = Outcome(
        settings=parse(values["settings"]),
        before=before,
        after=after,
        best=next(point for point in curve if point.step == measured["best_step"]),
        curve=curve,
        stopped=measured["stopped"],
        round_trip=RoundTrip(measured["round_trip"]["largest_8bit_difference"], float("inf") if psnr is None else psnr),
        calls=measured["network_calls"],
        seconds=measured["seconds"],
        memory=measured["most_memory_bytes"] or 0,
        model=values["model"],
    )
    plain, steered = (
        tuple(
            Verdict(**{key: value for key, value in one.items() if key != "fooled"}) for one in values["verdicts"][of]
        )
        for of in ("plain", "steered")
    )
    return RecordedMorph(Morphed(outcome, first, second, plain, steered), values["model"]["sha256"])


def write_comparison(found: Comparison, model: Model, folder: Path = FOLDER) -> None:
    """Write the two files of a comparison in which no method failed."""
    columns = [
        {
            "method": one.method,
            "curve": [asdict(point) for point in one.curve],
            "found": one.found and {**one.found._asdict(), "by_step": {}, "by_parameter": {}},
            "memory": one.memory,
            "seconds": one.seconds,
            "calls": one.calls,
        }
        for one in found.columns
    ]
    values = {"settings": found.settings.model_dump(), "sha256": model.digest, "seconds": found.seconds}
    _write(folder / "compare.json", {**values, "columns": columns})
    pictures = [found.start, *(one.image for one in found.columns if one.image is not None)]
    sheet(pictures).save(folder / "compare.webp", lossless=True, method=6)


def load_comparison(folder: Path = FOLDER) -> RecordedComparison | None:
    """The recorded comparison; None if there is none."""
    values = _read(folder / "compare.json")
    if values is None:
        return None
    start, *images = tiles(folder / "compare.webp", 1 + len(values["columns"]))
    columns = tuple(
        Column(
            **{
                **one,
                "image": image,
                "curve": tuple(CurvePoint(**point) for point in one["curve"]),
                "found": Audit(**{**one["found"], "warnings": tuple(one["found"]["warnings"])}),
            }
        )
        for one, image in zip(values["columns"], images, strict=True)
    )
    comparison = Comparison(parse(values["settings"]), start, columns, "done", 1, 1, None, values["seconds"])
    return RecordedComparison(comparison, values["sha256"])


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def main() -> None:
    """Make both recordings."""
    model = embedded(size=ENTRIES[DEFAULT].size)
    with TemporaryDirectory() as folder:
        stop = CancelToken(Path(folder) / "stop")
        first, second = morph_examples()
        *_, morphed = morph(model, Request.checked({"loss": "morph"}, first, second, model.size), stop)
        assert isinstance(morphed, Morphed)  # it is never cancelled
        write_morph(morphed, model)
        request = Request.checked({"prompt": PROMPTS[0], **COMPARE}, examples()[0], None, model.size)
        *_, comparison = compare(model, request, compared_methods(), stop)
        write_comparison(comparison, model)
        print(f"morph: {morphed.outcome.seconds:.0f} s; comparison: {comparison.seconds:.0f} s")


if __name__ == "__main__":
    main()
