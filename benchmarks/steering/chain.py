"""Chains of edits: does each arrive, and stay? `python -m benchmarks.steering.chain`

Six edits of one face, each from the state that the one before it reached, as the page makes them: the embedded model,
the Quick preset, keeps anchored at the first picture. Measured as in `benchmarks.steering.evaluation`.

    confirmed      the attribute classifier predicts the target class after the edit
    there          at the end, of the attributes that were edited, those with their last target class
    kept           at the end, of the attributes that no edit is about, those with the class of the start
    same person    at the end, both held-out embedders accept the face as that of the start, at FMR 1 %
    score          out-of-distribution score at the end

Writes one JSON line per edit, and prints a table.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from benchmarks.intervals import share
from benchmarks.records import parse, written
from benchmarks.steering.edits import Edit, faces
from benchmarks.steering.evaluation import Row, confirms, hidden_in, read_classes, same_person
from clay.world import HELD_OUT, ClayWorld, load_world_of
from studio.core.presets import PRESETS
from studio.core.settings import Settings
from studio.models.domain import domain_of
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.queue.cancel import CancelTokens
from studio.runs.events import Outcome
from studio.runs.kept_run import KeptRun
from studio.runs.request import Request
from studio.runs.steer import steer

CHAIN = (
    Edit("a face with red hair", "hair_colour", "red"),
    Edit("a person with glasses", "glasses", "glasses"),
    Edit("a smiling face", "expression", "smiling"),
    Edit("a face with a hat", "hat", "hat"),
    Edit("a face without glasses", "glasses", "none"),
    Edit("a face with blue hair", "hair_colour", "blue"),
)


def chain(model: Model, settings: Settings, start: Image.Image, prompts: Sequence[str]) -> Iterator[Outcome]:
    """The outcome of each edit, which goes on from the one before it.

    Raises:
        RuntimeError: a run ended without an outcome.
    """
    kept = KeptRun()
    for i, prompt in enumerate(prompts):
        stop = CancelTokens().new_token()
        asked, before, kept = settings.model_copy(update={"prompt": prompt}), kept, KeptRun()
        request, link = (before.next_request(asked), before.link(stop)) if i else (Request(asked, start), None)
        *_, outcome = steer(model, request, stop, kept=kept, link=link)
        if not isinstance(outcome, Outcome):
            raise RuntimeError("The run ended without an outcome, although it was not stopped.")
        yield outcome


def chain_rows(
    model: Model, world: ClayWorld, settings: Settings, count: int, first: int, strips: Path | None = None
) -> Iterator[Row]:
    """One row an edit, for `count` faces from face `first`; `strips` is a folder for one image a face."""
    domain, targets = domain_of(model), {edit.attribute: edit.target for edit in CHAIN}
    for face, (_, _, start) in enumerate(faces(count, first, model.size), first):
        at_start, images = read_classes(world, start), [start]
        for number, outcome in enumerate(chain(model, settings, start, [edit.prompt for edit in CHAIN])):
            now, edit = read_classes(world, outcome.after), CHAIN[number]
            compared = sorted(now.keys() - targets.keys() - hidden_in(at_start) - hidden_in(now))
            images.append(outcome.after)
            yield {
                "face": face,
                "edit": number,
                "prompt": edit.prompt,
                "confirmed": confirms(now, edit),
                "there": [name for name, target in targets.items() if now[name] == target],
                "compared": compared,
                "changed": [name for name in compared if now[name] != at_start[name]],
                "same_person": {name: same_person(world, name, start, outcome.after) for name in HELD_OUT},
                "strangeness": None if domain is None else domain.check(outcome.after).score,
                "updates": len(outcome.curve) - 1,
                "best_step": outcome.best.step,
                "seconds": round(outcome.seconds, 2),
            }
        if strips is not None:
            sheet = Image.new("RGB", (model.size * len(images), model.size))
            for column, image in enumerate(images):
                sheet.paste(image, (model.size * column, 0))
            sheet.save(strips / f"chain-{face}.png")


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown: one line a figure."""
    ends = [row for row in rows if row["edit"] == len(CHAIN) - 1]
    attributes = len({edit.attribute for edit in CHAIN})
    there, others, changed = (sum(len(row[name]) for row in ends) for name in ("there", "compared", "changed"))
    scores = [row["strangeness"] for row in ends if row["strangeness"] is not None]
    yield f"| chains of {len(CHAIN)} edits, {len(ends)} faces | |"
    yield "|---|---|"
    yield f"| edits confirmed by the attribute classifier | {share(sum(r['confirmed'] for r in rows), len(rows))} |"
    yield f"| edited attributes there at the end | {share(there, attributes * len(ends))} |"
    yield f"| other attributes as at the start | {share(others - changed, others)} |"
    same = sum(all(row["same_person"].values()) for row in ends)
    yield f"| same person at the end, both held-out embedders, FMR 1 % | {share(same, len(ends))} |"
    if scores:
        yield f"| out-of-distribution score at the end: median, largest | {_spread(scores, 2)} |"
    yield f"| updates to the result of an edit: median, largest | {_spread([r['best_step'] for r in rows], 0)} |"
    yield f"| seconds an edit: median, largest | {_spread([row['seconds'] for row in rows], 1)} |"


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f}, {max(values):.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.steering.chain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=12, help="number of chains")
    parser.add_argument("--first", type=int, default=300, help="number of the first face")
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="of the images")
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("FIELD", "VALUE"), help="a setting")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--out", type=Path, default=Path("runs/chain.jsonl"), help="file for the rows")
    parser.add_argument("--read", type=Path, help="only print the table of this file")
    parser.add_argument("--strips", type=Path, help="folder for one image a face: start and every edit")
    options = parser.parse_args()
    if options.read:
        print(*table([parse(line) for line in options.read.read_text(encoding="utf-8").splitlines()]), sep="\n")
        return
    torch.set_num_threads(options.threads)
    for folder in (options.out.parent, options.strips):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(**{**PRESETS["Quick"], **dict(options.set)})
    model, world = embedded(size=options.size), load_world_of(options.size)
    rows = written(chain_rows(model, world, settings, options.faces, options.first, options.strips), options.out)
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
