"""Guidance by text and by image: gradients through the whole sampler against guidance of single steps.
`python -m benchmarks.guidance`

Each method edits the same test faces towards the same prompt or, with `--goal picture`, towards the image of the same
other person. It encodes the face with Cycle-SDE and has the same number of network calls, including the encoding. All
methods minimise the studio's loss (embedded CLIP and closeness to the face). The results are evaluated by networks that
are not in the loss:

    confirmed   the attribute classifier predicts what the prompt describes; for an image, the share of the attributes
                that differed and are now predicted as for the image
    changed     the number of other attributes whose prediction changed
    kept        a held-out identity embedder accepts the face as the same person at FMR 1 %
    noisiness   the denoising error, see benchmarks/morphing/held_out.py

Guidance of single steps is run at several strengths, and the table shows the best one. Ours has the studio's default
settings. The rows are kept in a folder and continued, as in benchmarks.morphing; `--shard` and `accelerate launch` work
as there.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.guidance.edit import evaluated
from benchmarks.guidance.methods import METHODS
from benchmarks.guidance.table import of_goal, table
from benchmarks.guidance.tasks import GOALS, tasks
from benchmarks.morphing.held_out import ImageQuality
from benchmarks.morphing.pairs import passports
from benchmarks.records import ROOT, Records, Share, provenance
from clay.world import DEFAULT_FOLDER, load_world
from studio.core.checksums import combined_checksum, listed_checksums
from studio.models.embedded import embedded

FOLDER = ROOT / "docs" / "results" / "guidance"


def weights() -> str:
    """A short hash of the shipped weights."""
    return combined_checksum(listed_checksums(DEFAULT_FOLDER))[:10]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.guidance", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--goal", choices=GOALS, default="text", help="edit towards a text or an image")
    parser.add_argument("--faces", type=int, default=50, help="number of test people")
    parser.add_argument("--minutes", type=float, default=30.0, help="time limit")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--device", default="cpu", help="device, such as cpu or cuda")
    parser.add_argument("--shard", type=Share.parse, help="this process's share of the faces, i/n with 0 <= i < n")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the rows")
    parser.add_argument("--table", action="store_true", help="only print the table of the existing rows")
    options = parser.parse_args()
    began, made_by, current = perf_counter(), provenance(options.threads, options.device), weights()
    torch.set_num_threads(options.threads)
    records = Records(options.out, options.shard or Share.of_this_process())
    found = of_goal([row for row in records if row["weights"] == current], options.goal)
    done = {(row["way"], str(row["settings"]), row["face"]) for row in found}
    if not options.table:
        model, world = embedded(options.device), load_world(device=options.device)
        quality = ImageQuality(world, passports(range(2)).to(options.device))
        for task in tasks(model, world, records.share.of(range(options.faces)), options.goal):
            for method in METHODS:
                # the settings as read from JSON
                if (method.name, str(asdict(method)), task.number) in done:
                    continue
                if perf_counter() - began > 60 * options.minutes:
                    break
                rows = [
                    {**row, "weights": current, "made_by": made_by} for row in evaluated(world, quality, method, task)
                ]
                records.add(rows)
                seconds = perf_counter() - began
                print(f"{seconds:7.0f} s  face {task.number}, {method.name}", file=sys.stderr, flush=True)
    if records.share.wait():
        print(*table(of_goal([row for row in records if row["weights"] == current], options.goal)), sep="\n")


if __name__ == "__main__":
    main()
