"""`python -m studio.cli batch`: many pictures by one command."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from rich.console import Console
from tqdm import tqdm

from adjointdeis import prepared
from studio.batch.jobs import COLUMNS, Job, read_jobs
from studio.batch.output import Output
from studio.batch.plan import Plan, batch_size
from studio.batch.processes import Process
from studio.batch.work import Tally, work
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.gradients import CALLS_TO_ENCODE, calls_to_update
from studio.images.label import LABEL
from studio.models.cli import selected_model
from studio.models.interface import Model
from studio.runs.sampling import sampler_for

_SHOWN = 10


def add_batch(jobs: Any, run: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the command and its flags."""
    parser: argparse.ArgumentParser = jobs.add_parser(
        "batch", parents=[run], help="steer a folder of pictures or a manifest"
    )
    parser.add_argument(
        "source", type=Path, help=f"a folder, or a CSV or JSONL file with the columns {', '.join(COLUMNS)}"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.add_argument("--text", "--prompt", help="prompt: short for --set prompt=TEXT")
    parser.add_argument("--second", type=Path, help="second picture of all jobs, for goals that need one")
    parser.add_argument(
        "--batch", type=int, metavar="N", help="pictures that run together; by the free memory if left out"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N jobs")
    parser.add_argument("--shard", type=_shard, default=(0, 1), metavar="I/N", help="part I, from 0 on, of N parts")
    parser.add_argument("--dry-run", action="store_true", help="print what would run and what it costs at most")
    parser.add_argument(
        "--mark", action="store_true", help=f"draw the label “{LABEL}” into the corner of every picture"
    )
    return parser


def run_batch(args: argparse.Namespace, values: dict[str, Any], cancel: CancelToken, console: Console) -> None:
    """Run the jobs of this process."""
    _check(args)
    process = Process.current()
    jobs = read_jobs(args.source, values, args.second)
    model = selected_model(args, process.device(args.device))
    chosen = jobs[: args.limit]
    output = Output(args.out, model, jobs)
    if args.dry_run:
        _show_plan(model, chosen, output, args)
        return
    size = output.size(args.batch or batch_size(model, jobs))
    index, count = args.shard
    part, parts = index * process.count + process.index, count * process.count
    plan = Plan.of(chosen, args.batch or size).shard(part, parts)
    with output.lock(f"{part}-of-{parts}"):
        done = output.done()
        left = sum(job.name not in done for batch in plan.batches for job in batch)
        quiet = args.quiet or process.index > 0
        with tqdm(total=left, unit="picture", disable=quiet, file=sys.stderr, smoothing=0.1) as bar:
            tally = work(model, plan, output, cancel, bar.update, marked=args.mark)
    output.table()
    process.wait()
    if process.index == 0:
        output.table()
        print(output.path / "results.csv")
    process.end()
    _show_tally(tally, console)


def _check(args: argparse.Namespace) -> None:
    if args.find_face is not None:
        raise UserError("--find-face is for one picture: give crop_zoom, crop_x and crop_y in a manifest instead.")
    for flag in ("batch", "limit"):
        if (value := getattr(args, flag)) is not None and value < 1:
            raise UserError(f"--{flag} takes a number of at least 1; got {value}.")
    if importlib.util.find_spec("pyarrow") is None:
        raise UserError("A batch writes its table with pyarrow, which is not installed: pip install pyarrow.")


def _shard(text: str) -> tuple[int, int]:
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"a shard is I/N with I from 0 to N - 1, such as 0/4; got {text!r}")
    return int(index), int(count)


def _show_plan(model: Model, jobs: list[Job], output: Output, args: argparse.Namespace) -> None:
    done = output.done() if output.path.is_dir() else set()
    size = args.batch or batch_size(model, jobs)
    plan = Plan.of(jobs, size).shard(*args.shard)
    batches = list(plan.left(done))
    left = [job for batch in batches for job in batch if job.name not in done]
    print(f"{len(left):,} to run in {len(batches):,} batches of up to {size}, {len(done):,} done before.")
    for job in plan.broken[:_SHOWN]:
        print(f"Line {job.line} cannot run: {job.error}")
    if len(plan.broken) > _SHOWN:
        print(f"{len(plan.broken) - _SHOWN:,} more cannot run.")
    if left:
        calls = sum(_calls(model, job) for job in left)
        seconds = calls * _seconds(model, min(size, len(left)))
        print(f"At most {calls:,} network calls, about {_duration(seconds)} without the networks of the losses.")
        print("A run ends earlier when its goal is reached.")


def _calls(model: Model, job: Job) -> int:
    settings = job.settings
    steps = sampler_for(model, settings).steps
    update = calls_to_update(settings.gradient, steps, model.graphs)
    return steps * (CALLS_TO_ENCODE[settings.mode] + 1) + settings.optimisation_steps * update


def _seconds(model: Model, size: int) -> float:
    """Of a network call with its gradient, for one picture of a batch."""
    x = torch.zeros(size, *model.state_shape, device=model.device, requires_grad=True)
    with torch.no_grad():
        z = prepared(model.prepare, model.encode(torch.zeros(size, 3, model.size, model.size, device=model.device)))
    seconds = []
    for _ in range(3):
        began = perf_counter()
        output = model.network(torch.zeros(size, dtype=torch.long, device=model.device), x, z)
        float(torch.autograd.grad(output.sum(), x)[0].sum())  # waits for the device
        seconds.append(perf_counter() - began)
    return min(seconds) / size


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _show_tally(tally: Tally, console: Console) -> None:
    for name, reason in list(tally.reasons.items())[:_SHOWN]:
        console.print(f"{name}: {reason}", markup=False, highlight=False)
    rate = 60 * tally.done / tally.seconds if tally.seconds else 0.0
    stopped = " Stopped; start again to go on." if tally.stopped else ""
    console.print(
        f"{tally.done:,} results, {tally.failed:,} failed; {rate:.1f} pictures a minute, {tally.waiting:.1f} s of "
        f"waiting for files.{stopped}",
        highlight=False,
    )
