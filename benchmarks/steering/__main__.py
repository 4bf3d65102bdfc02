"""Do runs reach their goal on test people? `python -m benchmarks.steering`

Each run is one of the studio: the embedded model, the Quick preset (or another one), and the loss of the goal.

    text       towards a prompt for one attribute that the face does not have; confirmed if the attribute classifier,
               which is not in the loss, predicts it; `evaluation` lists the other fields
    expression the same, with prompts for another expression
    colour     the same, with prompts for the colour of eyes, background, clothes or hat
    several    the same, with prompts for two or three attributes at once
    identity   towards another person; confirmed if both held-out embedders accept the face as that person at FMR 1 %
    morph      the studio's morph of two similar people in passport images (the pairs of `benchmarks.morphing`);
               confirmed if all embedders accept it as both people at FMR 0.1 % (MMPMR, AdjointDEIS eq. 5.2), compared
               with the images it was made from; also compared with other images of the same people

The round-trip error is that of encoding and sampling before the first update, in 8-bit levels. Writes one JSON line per
run, and prints the tables of the model card.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.records import parse, written
from benchmarks.steering.edits import KINDS
from benchmarks.steering.runs import RUNS
from benchmarks.steering.table import table
from clay.evaluation.card import fill
from clay.world import DEFAULT_FOLDER, load_world_of
from studio.core.goals import NAMED
from studio.core.presets import PRESETS
from studio.models.embedded import embedded


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.steering", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=50, help="runs of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first face, to divide the work")
    parser.add_argument("--kinds", choices=RUNS, nargs="+", default=list(RUNS), help="kinds of runs")
    parser.add_argument("--preset", choices=PRESETS, default="Quick", help="preset of the studio")
    parser.add_argument(
        "--set", nargs=2, action="append", default=[], metavar=("FIELD", "VALUE"), help="change a setting"
    )
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="of the images")
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 for torch's default")
    parser.add_argument("--out", type=Path, default=Path("runs/steering.jsonl"), help="file for the rows")
    parser.add_argument("--read", type=Path, nargs="+", help="only write the tables of these files into the card")
    parser.add_argument(
        "--loss",
        choices=("edit", "clip_text", "rendered"),
        default="edit",
        help="loss of the kinds with a prompt; rendered: the edit made by the renderer, for reference",
    )
    parser.add_argument(
        "--area", default=NAMED, help="where edits may change: prompt, automatic, names of parts; empty for everywhere"
    )
    parser.add_argument(
        "--strips", type=Path, help="folder for one image an edit: start, first confirmed image, result"
    )
    options = parser.parse_args()
    if options.read:
        rows = [parse(line) for path in options.read for line in path.read_text(encoding="utf-8").splitlines()]
        card = DEFAULT_FOLDER / "README.md"
        card.write_text(fill(card.read_text(encoding="utf-8"), "steering", "\n".join(table(rows))), encoding="utf-8")
        print(*table(rows), sep="\n")
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = {**PRESETS[options.preset], **dict(options.set)}
    model, world = embedded(size=options.size), load_world_of(options.size)
    for folder in (options.out.parent, options.strips):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    of_edits = {"loss": options.loss, "strips": options.strips, "area": options.area}
    found = (
        row
        for kind in options.kinds
        for row in RUNS[kind](
            model, world, settings, options.faces, options.first, **(of_edits if kind in KINDS else {})
        )
    )
    rows = written(found, options.out)
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
