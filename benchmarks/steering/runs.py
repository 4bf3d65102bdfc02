"""The runs and their evaluation, one row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.morphing.pairs import choose_pairs, other_pictures, passports
from benchmarks.steering.edits import EDITS, KINDS, Edit, edit_for, faces
from benchmarks.steering.evaluation import Row, compared, evaluated, score_of, strip, view_changes
from clay.people.dataset import TEST
from clay.rendering.render import render_all
from clay.world import HELD_OUT, ClayWorld
from losses import Identity
from studio.core.goals import NAMED
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.interface import Model
from studio.queue.cancel import CancelTokens
from studio.runs.events import Outcome
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request
from studio.runs.steer import steer


def finish(model: Model, settings: Settings, start: Image.Image, second: Image.Image | None = None) -> Outcome:
    """The outcome of a complete run.

    Raises:
        RuntimeError: the run ended without an outcome.
    """
    *_, outcome = steer(model, Request(settings, start, second), CancelTokens().new_token())
    if not isinstance(outcome, Outcome):
        raise RuntimeError("The run ended without an outcome, although it was not stopped.")
    return outcome


def common(outcome: Outcome) -> Row:
    """The fields of every row."""
    first, last = outcome.curve[0], outcome.best
    return {
        "loss_before": first.total,
        "loss_after": last.total,
        "similarity_before": next(iter(first.similarity.values())),
        "similarity_after": next(iter(last.similarity.values())),
        "round_trip_levels": outcome.round_trip.largest,
        "calls": outcome.calls,
        "seconds": round(outcome.seconds, 2),
    }


def text_runs(
    model: Model,
    world: ClayWorld,
    settings: Mapping[str, Any],
    count: int,
    first: int = 0,
    edits: Sequence[Edit] = EDITS,
    kind: str = "text",
    loss: str = "clip_text",
    strips: Path | None = None,
    area: str = NAMED,
) -> Iterator[Row]:
    """One row for each of `count` faces from face `first`; the edits in turn. `strips` is a folder for images, `area`
    confines the changes: a value of `Settings.where`.

    The loss "rendered" stands for no run: the edit made by the renderer, which shows what the held-out networks say of
    a perfect edit.
    """
    for i, (person, view, start) in enumerate(faces(count, first, model.size), first):
        if not any(edit.is_new_for(person, view) for edit in edits):
            continue  # each prompt for several attributes describes something that this face shows
        edit = edit_for(i, person, view, edits)
        confined = "" if area == NAMED else area or "whole picture"
        label = ", ".join(filter(None, (loss, confined, settings.get("outside"))))
        row = {"kind": kind, "loss": label, "face": i, "prompt": edit.prompt}
        if loss == "rendered":
            after = Image.fromarray(render_all([edit.applied(person, view)], size=model.size)[0])
            yield {**row, "first_confirmed": None, **compared(model, world, (start, after), edit, (person, view))}
            continue
        outcome = finish(model, Settings(**{**settings, "loss": loss, "prompt": edit.prompt, "where": area}), start)
        found = evaluated(model, world, outcome, edit, (person, view))
        if strips is not None:
            strip(outcome, found["first_confirmed"]).save(strips / f"{loss}-{i}-{edit.target}.png")
        yield {**row, **found, **common(outcome)}


def accepted(world: ClayWorld, image: Image.Image, person: Image.Image, rate: str) -> dict[str, bool]:
    """Whether each embedder accepts the image as the person at a false match rate, a key of its `thresholds`."""
    found = {}
    for name, network in world.embedders.items():
        similarity = 1 - float(Identity(network, to_tensor(person))(to_tensor(image))[0])
        found[name] = similarity >= network.thresholds[rate]
    return found


def identity_runs(
    model: Model, world: ClayWorld, settings: Mapping[str, Any], count: int, first: int = 0
) -> Iterator[Row]:
    """One row for each of `count` pairs of people from face `first`."""
    people = faces(count + 1, first, model.size)
    for i in range(first, first + count):
        start, target = people[i - first][2], people[i - first + 1][2]
        outcome = finish(model, Settings(**{**settings, "loss": "identity"}), start, target)
        now = accepted(world, outcome.after, target, "fmr_1_percent")
        yield {
            "kind": "identity",
            "face": i,
            "accepted": now,
            "accepted_before": accepted(world, outcome.before, target, "fmr_1_percent"),
            "confirmed": all(now[name] for name in HELD_OUT),
            **view_changes(model, world, outcome),
            **common(outcome),
        }


def morph_runs(
    model: Model, world: ClayWorld, settings: Mapping[str, Any], count: int, first: int = 0
) -> Iterator[Row]:
    """One row for each of `count` pairs of similar people from pair `first`: the studio's morph and its start."""
    everybody = range(TEST.identities)
    chosen = choose_pairs(world, passports(everybody))[first : first + count]
    for pair in chosen:
        who = (pair.first, pair.second)
        sources, others = (
            tuple(to_image(x[None]) for x in images(who, model.size)) for images in (passports, other_pictures)
        )
        request = Request(Settings(**{**settings, "loss": "morph"}), *sources)
        *_, done = morph(model, request, CancelTokens().new_token())
        if not isinstance(done, Morphed):
            raise RuntimeError("The morph ended without an outcome, although it was not stopped.")
        after, before = done.outcome.after, done.outcome.before
        steered = accepted_as_both(world, after, sources)
        yield {
            "kind": "morph",
            "pair": pair.number,
            "accepted": steered,
            "accepted_before": accepted_as_both(world, before, sources),
            "accepted_by_others": accepted_as_both(world, after, others),
            "accepted_by_others_before": accepted_as_both(world, before, others),
            "confirmed": all(steered.values()),
            "strangeness": score_of(model, after),
            **common(done.outcome),
        }


def accepted_as_both(world: ClayWorld, image: Image.Image, pair: Sequence[Image.Image]) -> dict[str, bool]:
    """Whether each embedder accepts the image as both people at FMR 0.1 %."""
    a, b = (accepted(world, image, person, "fmr_0.1_percent") for person in pair)
    return {name: a[name] and b[name] for name in a}


RUNS: Mapping[str, Callable[..., Iterator[Row]]] = {
    **{kind: partial(text_runs, edits=edits, kind=kind) for kind, edits in KINDS.items()},
    "identity": identity_runs,
    "morph": morph_runs,
}
