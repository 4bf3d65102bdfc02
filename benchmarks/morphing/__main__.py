"""Run the morphs of the plan for a time, and print the tables: `python -m benchmarks.morphing --minutes 40 --threads 1`

The rows are kept in the folder `--out`, and another call continues there. Several processes share the work by
--shard 0/2, 1/2 and so on. Accelerate starts several processes at once, also without a GPU:
`accelerate launch --multi_gpu --num_processes 2 -m benchmarks.morphing`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import torch

from benchmarks.morphing.pairs import PAIRS
from benchmarks.morphing.plan import EXPERIMENTS, every_method, plan
from benchmarks.morphing.run import Bench, save_pictures, work
from benchmarks.morphing.tables import all_tables
from benchmarks.records import ROOT, Records, Row, Share, provenance
from clay.people.dataset import TEST
from clay.world import DEFAULT_FOLDER, FOLDER_128, load_world_of
from studio.core.checksums import combined_checksum, listed_checksums

FOLDER = ROOT / "docs" / "results" / "morphing"


def weights(size: int = 64) -> str:
    """A short hash of the shipped weights for images of 64 or 128 pixels, without CLIP's, which morphs do not use."""
    listed = {**listed_checksums(DEFAULT_FOLDER), **(listed_checksums(FOLDER_128) if size == 128 else {})}
    files = {name: sha256 for name, sha256 in listed.items() if not name.startswith("clip/")}
    return combined_checksum(files)[:10]


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.morphing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help="number of pairs")
    parser.add_argument("--people", type=int, default=TEST.identities, help="test people to choose pairs from")
    parser.add_argument("--size", type=int, choices=(64, 128), default=64, help="pixels of the embedded model")
    parser.add_argument("--minutes", type=float, default=40.0, help="time limit")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--device", default="cpu", help="device, such as cpu or cuda; use a large --batch on a GPU")
    parser.add_argument("--batch", type=int, default=10, help="pairs per batch")
    parser.add_argument("--least", type=int, default=1, help="smallest round of the plan; on a GPU as large as --batch")
    parser.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), help="which tables")
    parser.add_argument("--methods", nargs="+", choices=every_method(), help="only these methods", metavar="NAME")
    parser.add_argument("--shard", type=Share.parse, help="this process's share of the pairs, i/n with 0 <= i < n")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the rows")
    parser.add_argument("--list", action="store_true", help="only list the methods and their numbers of rows")
    parser.add_argument("--table", action="store_true", help="only print the tables of the existing rows")
    return parser.parse_args(arguments)


def main() -> None:
    options = options_of()
    began, made_by = perf_counter(), provenance(options.threads, options.device)
    torch.set_num_threads(options.threads)
    records = Records(options.out, options.shard or Share.of_this_process())
    chosen = [method for name in options.experiments for method in EXPERIMENTS[name]]
    if options.methods:
        chosen = [method for name, method in every_method().items() if name in options.methods]
    # another number of people gives other pairs, whose rows must not be mixed with these
    current = weights(options.size) + (f"-{options.people}" if options.people != TEST.identities else "")
    found: list[Row] = [row for row in records if row["weights"] == current]
    if options.list:
        for method in chosen:
            count = sum(row["key"] == method.key for row in found)
            print(f"{method.expected_calls():6d} calls  {count:4d} pairs done  {method.name}")
        return
    if not options.table:
        world = load_world_of(options.size, options.device)
        world.autoencoder.to(memory_format=torch.channels_last)
        bench = Bench(world, current, options.people)
        for rows, images in work(
            bench, records, plan(chosen, options.pairs, options.least), options.batch, began + 60 * options.minutes
        ):
            rows = [row | {"made_by": made_by} for row in rows]
            records.add(rows)
            save_pictures(options.out, rows, images)
            print(f"{perf_counter() - began:7.0f} s  {len(rows):3d} x {rows[0]['method']}", file=sys.stderr, flush=True)
    if records.share.wait():
        print(all_tables([row for row in records if row["weights"] == current]))


if __name__ == "__main__":
    main()
