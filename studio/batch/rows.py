"""The row of a job in the results table, and the files of its result."""

from __future__ import annotations

from typing import Any

from studio.batch.jobs import Job
from studio.batch.output import DONE, FAILED, Row
from studio.export.frames import to_tiles
from studio.export.metadata import record, to_png
from studio.export.morph import morph_record
from studio.export.saved_run import FRAMES
from studio.images.label import draw_label
from studio.models.interface import Model
from studio.runs.events import Outcome
from studio.runs.morph import Morphed

PNG = ".png"
_NOT_REPEATABLE = ("seconds", "most_memory_bytes")


def files(result: Outcome | Morphed, model: Model, *, marked: bool) -> dict[str, bytes]:
    """The result's files by suffix. They hold no time and no memory, so that a repeated run has the same bytes."""
    outcome = result.outcome if isinstance(result, Morphed) else result
    metadata = _record(result, model)
    measured = {name: v for name, v in metadata["measured"].items() if name not in _NOT_REPEATABLE}
    after = draw_label(outcome.after) if marked else outcome.after
    return {PNG: to_png(after, {**metadata, "measured": measured}), FRAMES: to_tiles(outcome.frames)}


def done(job: Job, result: Outcome | Morphed, model: Model, pictures: int) -> Row:
    """The row of a result; `pictures` is the size of its batch."""
    outcome = result.outcome if isinstance(result, Morphed) else result
    metadata = _record(result, model)
    first, best, verdict = outcome.curve[0], outcome.best, outcome.verdict
    row: Row = {
        **_asked(job, DONE, model),
        "file": f"{job.name}{PNG}",
        "loss_before": first.total,
        "loss_after": best.total,
        "best_step": best.step,
        "updates": outcome.curve[-1].step,
        "similarity_before": next(iter(first.similarity.values()), None),
        "similarity_after": next(iter(best.similarity.values()), None),
        "reached": None,
        "why_not": None,
        "round_trip_levels": outcome.round_trip.largest,
        "network_calls": outcome.calls,
        "seconds": round(outcome.seconds, 3),
        "memory_bytes": outcome.memory or None,
        "batch": pictures,
        **{f"version_{name}": version for name, version in metadata["software"].items()},
    }
    if verdict is not None:
        changed = [f"{one.attribute}: {one.before} → {one.after}" for one in verdict.changed or ()]
        faces = verdict.target or verdict.same
        row |= {
            "reached": verdict.reached,
            "why_not": verdict.reason or None,
            "held_out_probability": verdict.probability,
            "other_changes": None if verdict.changed is None else "; ".join(changed),
            "person_accepted_by": sum(one.accepted for one in faces) if faces else None,
            "held_out_networks": len(faces) or None,
            "out_of_distribution": verdict.score,
        }
    if isinstance(result, Morphed):
        held_out = [one for one in result.of_now if not one.in_loss]
        accepted = sum(one.fooled for one in held_out)
        row |= {
            "reached": "yes" if held_out and accepted == len(held_out) else "partly" if accepted else "no",
            "person_accepted_by": accepted,
            "held_out_networks": len(held_out),
        }
    return row


def failed(job: Job, reason: str, model: Model) -> Row:
    """The row of a job without a result."""
    return {**_asked(job, FAILED, model), "reason": reason}


def _asked(job: Job, status: str, model: Model) -> Row:
    values = job.settings.model_dump(exclude={"version"})
    return {
        "status": status,
        "reason": None,
        "image": job.image.name,
        "second": job.second.name if job.second else None,
        "model": model.name,
        "model_sha256": model.digest,
        **values,
    }


def _record(result: Outcome | Morphed, model: Model) -> dict[str, Any]:
    return morph_record(result, model) if isinstance(result, Morphed) else record(result, model)
