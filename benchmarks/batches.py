"""Pictures a minute of batches of 1, 4 and 16 against runs one by one: `python -m benchmarks.batches`.

Every round makes the same pictures one by one, as the page does, and in batches of every size, in an order that
rotates. A ratio compares two timings of one round. Time is the CPU time of the process by number of threads. Also
counted: pictures that differ from those of the page by more than one level, and results of which the held-out networks
measure something else.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from benchmarks.clock import clock
from clay.people.dataset import TEST, scene
from clay.rendering.render import render_all
from studio.core.cancellation import CancelToken
from studio.core.goals import PROMPTS
from studio.models.embedded import embedded
from studio.models.interface import Model
from studio.runs.batch.steer import steer_together
from studio.runs.events import Outcome
from studio.runs.request import Request
from studio.runs.steer import steer

SIZES = (1, 4, 16)
Make = Callable[[], list[Outcome]]


def requests(model: Model, count: int, folder: Path) -> list[Request]:
    """One request for each of `count` people of the test split, the prompts in turn."""
    found = []
    for i, pixels in enumerate(render_all([scene(TEST.first + i, 0) for i in range(count)], size=model.size)):
        path = folder / f"{i}.png"
        Image.fromarray(pixels).save(path)
        values = {"prompt": PROMPTS[i % len(PROMPTS)], "seed": i}
        found.append(Request.checked(values, path, None, model.size))
    return found


def one_by_one(model: Model, asked: Sequence[Request], stop: CancelToken) -> list[Outcome]:
    """As the page makes them."""
    found = []
    for request in asked:
        *_, last = steer(model, request, stop)
        assert isinstance(last, Outcome)
        found.append(last)
    return found


def in_batches(model: Model, asked: Sequence[Request], size: int, stop: CancelToken) -> list[Outcome]:
    """`size` pictures together."""
    found: dict[int, Outcome] = {}
    for first in range(0, len(asked), size):
        for number, outcome in steer_together(model, asked[first : first + size], stop):
            assert isinstance(outcome, Outcome), outcome
            found[first + number] = outcome
    return [found[i] for i in range(len(asked))]


def different(a: Outcome, b: Outcome) -> bool:
    """Whether two results differ by more than one level anywhere."""
    return int(np.abs(np.asarray(a.after, int) - np.asarray(b.after, int)).max()) > 1


def judged_otherwise(a: Outcome, b: Outcome) -> bool:
    """Whether the held-out networks come to another conclusion."""
    return a.verdict is not None and b.verdict is not None and a.verdict.reached != b.verdict.reached


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=64, choices=(64, 128), help="side of the embedded model's pictures")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, now = embedded(size=args.size), clock("cpu")
    with TemporaryDirectory() as name:
        stop = CancelToken(Path(name) / "stop")
        asked = requests(model, args.pictures, Path(name))
        ways: dict[str, Make] = {"one by one": lambda: one_by_one(model, asked, stop)}
        ways |= {f"batches of {n}": lambda n=n: in_batches(model, asked, n, stop) for n in SIZES}  # type: ignore[misc]
        one_by_one(model, asked[:1], stop)  # warms up
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        results: dict[str, list[Outcome]] = {}
        for k in range(args.rounds):
            names = [*ways][k % len(ways) :] + [*ways][: k % len(ways)]
            for way in names:
                began = now()
                results[way] = ways[way]()
                seconds[way].append(now() - began)
    _print(seconds, results)


def _print(seconds: dict[str, list[float]], results: dict[str, list[Outcome]]) -> None:
    reference, count = next(iter(seconds)), len(next(iter(results.values())))
    print("| way | pictures a minute | times faster: median (range) | differ by more than 1 level | other verdict |")
    print("|---|---|---|---|---|")
    for way, times in seconds.items():
        ratios = [a / b for a, b in zip(seconds[reference], times, strict=True)]
        pairs = list(zip(results[reference], results[way], strict=True))
        other, changed = sum(judged_otherwise(*pair) for pair in pairs), sum(different(*pair) for pair in pairs)
        print(
            f"| {way} | {60 * count / statistics.median(times):.1f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}) | {changed} of {count} | {other} |"
        )


if __name__ == "__main__":
    main()
