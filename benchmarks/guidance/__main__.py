"""Guidance by text and by picture: gradients through the whole sampler against guidance of single steps.
`python -m benchmarks.guidance`

Each method edits the same faces of people no network was trained on, so that they match the same prompt, or the picture
of the same other person (`--wish picture`): it encodes the face with Cycle-SDE and has as many network calls as every
other, the encoding included. All minimise the same loss, that of the page (embedded CLIP, and closeness to the face).
Judged by what no loss has seen:

    confirmed   the attribute reader sees what the prompt asked for; of a picture the share, among the attributes in
                which it differs from the face, that are read as on the picture now
    changed     how many other attributes it sees changed
    kept        a face network that no loss knows still takes the face for the same person, at FMR 1 %
    noisiness   see benchmarks/morphing/judges.py

The rivals' strength is not known beforehand: each is run at several, and has the best one's row. Ours has the settings
of the page. Kept in a folder and gone on with, like benchmarks.morphing; `--shard` and `accelerate launch` work alike.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from adjointdeis import CountedModel, Encoding, GradientMethod, Precomputed, Sampler, encode, guide
from benchmarks.clock import clock
from benchmarks.morphing.held_out import Looks, People, as_saved
from benchmarks.morphing.pairs import passports
from benchmarks.records import ROOT, Records, Row, Share, provenance
from benchmarks.morphing.tables import Interval, interval
from benchmarks.guidance.one_step import OneStep
from benchmarks.steering import edit_for, faces
from clay.world import DEFAULT_FOLDER, ClayWorld, load_world
from losses import Loss
from studio.core.checksums import combined, listed
from studio.core.settings import Settings
from studio.images.load import to_tensor
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.runs.objective import objective
from studio.runs.step_options import stepping

FOLDER = ROOT / "docs" / "results" / "guidance"
BUDGET = 400
STRENGTHS = (0.1, 0.3, 1.0)

Wish = Literal["text", "picture"]
WISHES: tuple[Wish, ...] = get_args(Wish)


def weights() -> str:
    """The short name of the weights that ship."""
    return combined(listed(DEFAULT_FOLDER))[:10]


@dataclass(frozen=True)
class Way:
    """One method.

    Args:
        name: unique.
        steps: N of the sampler.
        one_step: how to guide single steps; None for gradients through the whole sampler.
        updates: of those gradients, as the page steps.
    """

    name: str
    steps: int
    one_step: OneStep | None = None
    updates: int = 0

    @property
    def strengths(self) -> tuple[float, ...]:
        """What it is tried at."""
        return STRENGTHS if self.one_step else (1.0,)

    @property
    def calls(self) -> int:
        """Network calls, those of the encoding included."""
        if self.one_step:
            return self.steps * (1 + self.one_step.travel)
        return self.steps * (2 + 2 * self.updates)


OURS = Way("through the whole sampler", 8, updates=24)
WAYS = (
    OURS,
    Way("one step ahead (DPS)", 200, OneStep()),
    Way("one step ahead, z too", 200, OneStep(with_z=True)),
    Way("with time travel (FreeDoM)", 50, OneStep(travel=7)),
    Way("with a guided mean (TFG)", 100, OneStep(travel=3, mean=4, rising=True)),
    Way("with a guided mean, z too", 100, OneStep(travel=3, mean=4, rising=True, with_z=True)),
)


@dataclass(frozen=True)
class Task:
    """One face and what is asked of it.

    Args:
        number: of the face.
        wish: how it is asked.
        prompt: the text, if it is one.
        image: the face.
        loss: of the page.
        wanted: what the attribute reader is to see, by attribute.
    """

    number: int
    wish: Wish
    prompt: str
    image: Tensor
    loss: Loss
    wanted: Mapping[str, str]


def tasks(model: Model, world: ClayWorld, numbers: Sequence[int], wish: Wish = "text") -> Iterator[Task]:
    """The prompts in turn, each for a face that lacks what it asks for; or for each face the next person's picture."""
    people = faces(max(numbers, default=-1) + 2)
    for i in numbers:
        person, seen, picture = people[i]
        image = to_tensor(picture).to(model.device)
        if wish == "text":
            edit = edit_for(i, person, seen)
            loss = objective(Settings(loss="clip_text", prompt=edit.prompt), model, image, None).loss
            yield Task(i, wish, edit.prompt, image, loss, {edit.attribute: edit.wanted})
            continue
        second = to_tensor(people[i + 1][2]).to(model.device)
        had, has = (_read(world, x) for x in (image, second))
        wanted = {name: value for name, value in has.items() if value != had[name]}
        if wanted:
            yield Task(i, wish, "", image, objective(Settings(loss="clip_image"), model, image, second).loss, wanted)


def _read(world: ClayWorld, image: Tensor) -> dict[str, str]:
    return {name: values[0] for name, values in world.attributes.read(image).items()}


@torch.no_grad()
def edited(world: ClayWorld, way: Way, task: Task) -> tuple[Tensor, int]:
    """One image for each strength, and the network calls of each."""
    model = CountedModel(world.autoencoder)
    scheduler: Any = copy.deepcopy(world.scheduler)
    scheduler.set_timesteps(way.steps)
    sampler = Sampler.from_scheduler(scheduler, sde=True, order=1, family="data", final="sigma_min")
    z = world.autoencoder.encode(task.image)
    prepare = world.autoencoder.prepare
    code = encode(model, sampler, task.image, prepare(z), torch.Generator().manual_seed(task.number))
    if way.one_step:
        strength = torch.tensor(way.strengths, device=z.device)
        # a z that moves must be read again in every step
        known = z if way.one_step.with_z else prepare(z)
        start = _repeated(code, known, len(strength))
        return way.one_step.sample(model, sampler, start, task.loss, strength), model.calls
    return _steered(model, sampler, code, z, task.loss, way.updates, Precomputed(prepare)), model.calls


def _steered(
    model: CountedModel,
    sampler: Sampler,
    code: Encoding,
    z: Tensor,
    loss: Loss,
    updates: int,
    gradient: GradientMethod,
) -> Tensor:
    step = stepping(Settings(), {**code._asdict(), "z": z})
    frames = guide(
        model, sampler, code.x_T, z, loss, noises=code.noises, gradient=gradient, steps=updates, **step._asdict()
    )
    return min(frames, key=lambda frame: float(frame.loss[0])).image


def _repeated(code: Encoding, z: Tensor, times: int) -> tuple[Tensor, Tensor, Tensor | None]:
    noises = None if code.noises is None else code.noises.repeat_interleave(times, dim=1)
    return code.x_T.repeat_interleave(times, dim=0), z.repeat_interleave(times, dim=0), noises


def judged(world: ClayWorld, looks: Looks, way: Way, task: Task) -> list[Row]:
    """One row for each strength."""
    now = clock(world.device)
    began = now()
    images, calls = edited(world, way, task)
    seconds, images = (now() - began) / len(images), as_saved(images)
    original = task.image.expand_as(images)
    with torch.no_grad():
        losses, before = task.loss(images), float(task.loss(task.image)[0])
        alike = (world.judge(images) * world.judge(original)).sum(1)
    kept = alike >= world.judge.thresholds["fmr_1_percent"]
    noisy = looks.noisiness(images, People(original, original))
    seen, had = world.attributes.read(images), _read(world, task.image)
    return [
        {
            "way": way.name,
            "settings": asdict(way),
            "strength": strength,
            "face": task.number,
            "wish": task.wish,
            "prompt": task.prompt,
            "confirmed": sum(seen[name][k] == value for name, value in task.wanted.items()) / len(task.wanted),
            "changed": sum(seen[name][k] != had[name] for name in seen if name not in task.wanted),
            "kept": bool(kept[k]),
            "noisiness": round(float(noisy[k]), 4),
            "loss_before": round(before, 4),
            "loss_after": round(float(losses[k]), 4),
            "calls": calls,
            "seconds": round(seconds, 3),
        }
        for k, strength in enumerate(way.strengths)
    ]


def asked_by(rows: Sequence[Row], wish: Wish) -> list[Row]:
    """The rows of one wish; the first ones, all of texts, do not name it."""
    return [row for row in rows if row.get("wish", "text") == wish]


def best_strength(rows: Sequence[Row], way: Way) -> list[Row]:
    """The rows of the strength at which most was confirmed; of equals, that which changed least."""
    by_strength = {s: [r for r in rows if r["way"] == way.name and r["strength"] == s] for s in way.strengths}

    def merit(found: list[Row]) -> tuple[float, float]:
        if not found:
            return -1.0, 0.0
        return float(np.mean([r["confirmed"] for r in found])), -float(np.mean([r["changed"] for r in found]))

    return max(by_strength.values(), key=merit)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown, one line a method."""
    yield (
        "| guidance | strength | edits | confirmed | same person | other attributes changed | noisiness | loss "
        "| network calls | seconds |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for way in WAYS:
        if not (found := best_strength(rows, way)):
            continue
        shares: list[Interval] = [interval([float(r[name]) for r in found]) for name in ("confirmed", "kept")]
        means = {name: np.mean([r[name] for r in found]) for name in ("changed", "noisiness", "calls", "seconds")}
        fell = f"{np.mean([r['loss_before'] for r in found]):.3f} -> {np.mean([r['loss_after'] for r in found]):.3f}"
        strength = f"{found[0]['strength']:g}" if way.one_step else ""
        yield (
            f"| {way.name} | {strength} | {len(found)} | {shares[0]} | {shares[1]} | {means['changed']:.1f} "
            f"| {means['noisiness']:.2f} | {fell} | {means['calls']:.0f} | {means['seconds']:.1f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wish", choices=WISHES, default="text", help="what is asked by a prompt, or by a picture")
    parser.add_argument("--faces", type=int, default=50, help="the first so many test people")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after so long")
    parser.add_argument("--threads", type=int, default=1, help="torch threads")
    parser.add_argument("--device", default="cpu", help="where it runs, as cpu or cuda")
    parser.add_argument("--shard", type=Share.parse, help="this process's part of the faces, i/n with i from 0")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    options = parser.parse_args()
    began, made_by, known = perf_counter(), provenance(options.threads, options.device), weights()
    torch.set_num_threads(options.threads)
    records = Records(options.out, options.shard or Share.of_this_process())
    found = asked_by([row for row in records if row["weights"] == known], options.wish)
    done = {(row["way"], str(row["settings"]), row["face"]) for row in found}
    if not options.table:
        model, world = embedded(options.device), load_world(device=options.device)
        looks = Looks(world, passports(range(2)).to(options.device))
        for task in tasks(model, world, records.share.of(range(options.faces)), options.wish):
            for way in WAYS:
                # settings as they come back from JSON
                if (way.name, str(asdict(way)), task.number) in done:
                    continue
                if perf_counter() - began > 60 * options.minutes:
                    break
                rows = [{**row, "weights": known, "made_by": made_by} for row in judged(world, looks, way, task)]
                records.add(rows)
                print(f"{perf_counter() - began:7.0f} s  face {task.number}, {way.name}", file=sys.stderr, flush=True)
    if records.share.wait():
        print(*table(asked_by([row for row in records if row["weights"] == known], options.wish)), sep="\n")


if __name__ == "__main__":
    main()
