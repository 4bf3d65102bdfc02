"""Does steering do what it says, on people no network was trained on? `python -m benchmarks.steering`

Every run is the page's own: the Quick preset (or another one), the embedded model, the loss a visitor would pick.

    text       a prompt asks for one thing the face does not have; the CLIP loss must fall, and the attribute reader,
               which no loss has seen, must now see it
    expression the same, with prompts that ask for another expression
    identity   one face becomes another; the similarity must rise above the threshold at FMR 1 % of two embedders of
               other kinds, which no loss has seen
    morph      the page's morph of two look-alikes in passport pictures (the pairs of `benchmarks.morphing`): all
               embedders must accept it as both, at FMR 0.1 % (MMPMR, AdjointDEIS eq. 5.2), beside the pictures it was
               made from, and beside others of the same people

The round trip is that of encode and sample before the first update, in 8-bit levels. Writes one JSON line a run and
prints the tables of the model card.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from benchmarks.edit_judgement import JUDGES, Edit, judged, strip
from benchmarks.edit_tables import edits_table
from benchmarks.morphing.pairs import choose_pairs, other_pictures, passports
from clay.evaluation.card import fill
from clay.people.circumstances import Circumstances
from clay.people.dataset import TEST, scene
from clay.people.traits import Person
from clay.rendering.render import render_all
from clay.world import DEFAULT_FOLDER, ClayWorld, load_world
from losses import Identity
from studio.core.presets import PRESETS, suited
from studio.core.settings import Settings
from studio.images.load import to_image, to_tensor
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.queue.cancel import CancelTokens
from studio.runs.events import Outcome
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request
from studio.runs.steer import steer

EDITS = (
    Edit("a face with red hair", "hair_colour", "red"),
    Edit("a person with glasses", "glasses", "glasses"),
    Edit("a face with blonde hair", "hair_colour", "blonde"),
    Edit("a face with a beard", "facial_hair", "beard"),
    Edit("a face with blue hair", "hair_colour", "blue"),
    Edit("a face with black hair", "hair_colour", "black"),
    Edit("a person with sunglasses", "glasses", "sunglasses"),
    Edit("a face with a hat", "hat", "hat"),
)
# Beside them, as a kind of its own: what the embedded CLIP reads least well (see the model card)
MOODS = (
    Edit("a smiling face", "expression", "smiling"),
    Edit("a surprised face", "expression", "surprised"),
    Edit("a sad face", "expression", "sad"),
    Edit("a laughing face", "expression", "laughing"),
)


def faces(count: int, first: int = 0) -> list[tuple[Person, Circumstances, Image.Image]]:
    """The first view of so many identities from the test split's number `first` on; from 300 on no split holds them."""
    scenes = [scene(TEST.first + first + i, 0) for i in range(count)]
    return [(*s, Image.fromarray(p)) for s, p in zip(scenes, render_all(scenes), strict=True)]


def edit_for(number: int, person: Person, seen: Circumstances, edits: Sequence[Edit] = EDITS) -> Edit:
    """The prompts in turn, but for those that ask for what the face has."""
    turns = (edits[(number + k) % len(edits)] for k in range(len(edits)))
    return next(edit for edit in turns if edit.is_new_for(person, seen))


def finish(model: Model, settings: Settings, start: Image.Image, second: Image.Image | None = None) -> Outcome:
    """The outcome of a whole run."""
    *_, outcome = steer(model, Request(settings, start, second), CancelTokens().new_token())
    if not isinstance(outcome, Outcome):
        raise RuntimeError("A run that nobody stopped ended without an outcome.")
    return outcome


def common(outcome: Outcome) -> dict[str, Any]:
    """What every row says."""
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
    pictures: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """One row a face and prompt, prompts in turn, from face `first` on."""
    for i, (person, seen, start) in enumerate(faces(count, first), first):
        edit = edit_for(i, person, seen, edits)
        values = {**suited(loss), **settings, "loss": loss, "prompt": edit.prompt}
        outcome = finish(model, Settings(**values), start)
        found = judged(model, world, outcome, edit, (person, seen))
        if pictures is not None:
            strip(outcome, found["first_confirmed"]).save(pictures / f"{loss}-{i}-{edit.wanted}.png")
        yield {
            "kind": kind,
            "loss": loss,
            "face": i,
            "prompt": edit.prompt,
            **found,
            **common(outcome),
        }


def accepted(world: ClayWorld, image: Image.Image, person: Image.Image, rate: str) -> dict[str, bool]:
    """Which embedders take the image for this person, at the false match rate named in `thresholds`."""
    found = {}
    for name, network in world.embedders.items():
        similarity = 1 - float(Identity(network, to_tensor(person))(to_tensor(image))[0])
        found[name] = similarity >= network.thresholds[rate]
    return found


def identity_runs(
    model: Model, world: ClayWorld, settings: Mapping[str, Any], count: int, first: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a pair of people, from face `first` on."""
    people = faces(count + 1, first)
    for i in range(first, first + count):
        start, target = people[i - first][2], people[i + 1 - first][2]
        outcome = finish(model, Settings(**{**suited("identity"), **settings, "loss": "identity"}), start, target)
        now = accepted(world, outcome.after, target, "fmr_1_percent")
        yield {
            "kind": "identity",
            "face": i,
            "accepted": now,
            "accepted_before": accepted(world, outcome.before, target, "fmr_1_percent"),
            "confirmed": all(now[name] for name in JUDGES),
            **common(outcome),
        }


def morph_runs(
    model: Model, world: ClayWorld, settings: Mapping[str, Any], count: int, first: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a pair of look-alikes, from pair `first` on: the page's morph, and the plain one it starts from."""
    everybody = range(TEST.identities)
    chosen = choose_pairs(world, passports(everybody))[first : first + count]
    for pair in chosen:
        who = (pair.first, pair.second)
        sources, others = (tuple(to_image(x[None]) for x in seen(who)) for seen in (passports, other_pictures))
        request = Request(Settings(**{**suited("morph"), **settings, "loss": "morph"}), *sources)
        *_, done = morph(model, request, CancelTokens().new_token())
        if not isinstance(done, Morphed):
            raise RuntimeError("A morph that nobody stopped ended without an outcome.")
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
            **common(done.outcome),
        }


def accepted_as_both(world: ClayWorld, image: Image.Image, pair: Sequence[Image.Image]) -> dict[str, bool]:
    """Which embedders take the image for either person at FMR 0.1 %."""
    a, b = (accepted(world, image, person, "fmr_0.1_percent") for person in pair)
    return {name: a[name] and b[name] for name in a}


RUNS: Mapping[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "text": text_runs,
    "expression": partial(text_runs, edits=MOODS, kind="expression"),
    "identity": identity_runs,
    "morph": morph_runs,
}
CONFIRMED_BY = {
    "text": "attribute reader",
    "expression": "attribute reader",
    "identity": "both black-box embedders at FMR 1 %",
    "morph": "all embedders, as both people, at FMR 0.1 %",
}


_MORE_ACCEPTED = {
    "accepted_before": "before steering",
    "accepted_by_others": "against other pictures of the same people",
    "accepted_by_others_before": "against these before steering",
}


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown, one line a kind of run."""
    yield "| runs | loss fell | median similarity | confirmed by | largest round-trip error | seconds |"
    yield "|---|---|---|---|---|---|"
    for kind, seen in CONFIRMED_BY.items():
        chosen = [row for row in rows if row["kind"] == kind]
        if not chosen:
            continue
        n, fell = len(chosen), sum(row["loss_after"] < row["loss_before"] for row in chosen)
        before, after = (statistics.median(row[f"similarity_{end}"] for row in chosen) for end in ("before", "after"))
        yield (
            f"| {n} {kind} | {fell} of {n} | {before:.2f} -> {after:.2f} "
            f"| {seen}: {sum(row['confirmed'] for row in chosen)} of {n}"
            f" | {max(row['round_trip_levels'] for row in chosen)} of 255 levels"
            f" | {statistics.median(row['seconds'] for row in chosen):.1f} |"
        )
    yield from details(rows)
    for kind in ("text", "expression"):
        yield from edits_table(rows, kind)


def details(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What the table leaves out: prompts one by one, side effects, embedders one by one."""
    for kind in ("text", "expression"):
        edits = [row for row in rows if row["kind"] == kind]
        if not edits:
            continue
        changed = [len(row["others_changed"]) for row in edits]
        prompts = {row["prompt"]: [r["confirmed"] for r in edits if r["prompt"] == row["prompt"]] for row in edits}
        listed = "; ".join(f"{prompt}: {sum(seen)} of {len(seen)}" for prompt, seen in sorted(prompts.items()))
        yield f"\nBy prompt, {kind}: {listed}."
        yield (
            f"\nOf the six other attributes the reader sees {statistics.mean(changed):.1f} change on average, and none "
            f"in {sum(n == 0 for n in changed)} of {len(changed)} edits."
        )
    for kind in ("identity", "morph"):
        chosen = [row["accepted"] for row in rows if row["kind"] == kind]
        if chosen:
            yield f"\nAccepted, {kind}: {_counted(chosen)}."
        for key, words in _MORE_ACCEPTED.items():
            if found := [row[key] for row in rows if row["kind"] == kind and key in row]:
                yield f"\nAccepted {words}, {kind}: {_counted(found)}."


def _counted(chosen: list[dict[str, bool]]) -> str:
    by_name = ", ".join(f"{name} {sum(row[name] for row in chosen)} of {len(chosen)}" for name in chosen[0])
    return f"{by_name}, all {sum(all(row.values()) for row in chosen)} of {len(chosen)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=50, help="runs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first face, to share the work out")
    parser.add_argument("--kinds", choices=RUNS, nargs="+", default=list(RUNS))
    parser.add_argument("--preset", choices=PRESETS, default="Quick")
    parser.add_argument(
        "--set", nargs=2, action="append", default=[], metavar=("FIELD", "VALUE"), help="change a setting"
    )
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 leaves torch's own choice")
    parser.add_argument("--out", type=Path, default=Path("runs/steering.jsonl"))
    parser.add_argument("--read", type=Path, nargs="+", help="run nothing: the table of these files, into the card")
    parser.add_argument("--loss", choices=("clip_text", "edit"), default="clip_text", help="of texts and expressions")
    parser.add_argument("--pictures", type=Path, help="folder for strips of the edits: start, first confirmed, result")
    options = parser.parse_args()
    if options.read:
        rows = [json.loads(line) for path in options.read for line in path.read_text(encoding="utf-8").splitlines()]
        card = DEFAULT_FOLDER / "README.md"
        card.write_text(fill(card.read_text(encoding="utf-8"), "steering", "\n".join(table(rows))), encoding="utf-8")
        print(*table(rows), sep="\n")
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = {**PRESETS[options.preset], **dict(options.set)}
    model, world = embedded(), load_world()
    for folder in (options.out.parent, options.pictures):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with options.out.open("w", encoding="utf-8") as file:
        for kind in options.kinds:
            of_edits = {"loss": options.loss, "pictures": options.pictures}
            chosen = of_edits if kind in ("text", "expression") else {}
            for row in RUNS[kind](model, world, settings, options.faces, options.first, **chosen):
                rows.append(row)
                print(json.dumps(row), file=file, flush=True)
                print(json.dumps(row), flush=True)
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
