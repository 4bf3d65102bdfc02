"""Is a table the scheduler's own sampler? `python -m benchmarks.schedulers`

Every scheduler class of diffusers is built with every choice in its configuration, one changed value at a time, then
two (`--pairs`), and run at N = 1, 2, 3, 5 and 10 steps. The truth is the scheduler's own loop

    x <- scheduler.step(net(scheduler.scale_model_input(x, t), t), t, x)

in float64, with the same injected noises. A combination is

    equal      the largest difference of the last states, relative to the largest entry, is at most `TOLERANCE`
    refused    `Sampler.from_scheduler` gives a sentence (ValueError, NotImplementedError)
    broken     the scheduler itself raises, or ends in numbers that are not finite
    different  anything else: a fault of this package

Clipping (clip_sample) is no linear operation; tables leave it out with a warning, and are compared with the same
scheduler without it.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import math
import types
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args, get_origin

import diffusers
import torch
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from torch import Tensor

from adjointdeis import Sampler, sample
from adjointdeis.probe import given_noise
from adjointdeis.schedulers import SCHEDULERS

STEPS = (1, 2, 3, 5, 10)
TOLERANCE = 1e-4
"""Of the largest entry: diffusers keeps its sigmas and coefficients in float32."""
SHAPE = (2, 3, 2, 2)
# choices that no annotation lists, and numbers that change the grid
CHOICES: Mapping[str, Sequence[Any]] = {
    "beta_schedule": ("linear", "scaled_linear", "squaredcos_cap_v2"),
    "prediction_type": ("epsilon", "sample", "v_prediction", "flow_prediction"),
    "interpolation_type": ("linear", "log_linear"),
    "solver_order": (1, 2, 3),
    "steps_offset": (0, 1),
    "flow_shift": (1.0, 3.0),
    "shift": (1.0, 3.0),
    "shift_terminal": (None, 0.1),
    "sigma_min": (None, 0.05),
    "sigma_max": (None, 10.0),
    "lambda_min_clipped": (-math.inf, -5.1),
    "disable_corrector": ([], [0]),
    "clip_sample_range": (1.0, 2.0),
}
LEFT_OUT = {"trained_betas", "solver_p", "num_train_timesteps", "beta_start", "beta_end", "clip_sample"}


class Result(NamedTuple):
    """What became of one combination, and the largest difference or the sentence."""

    kind: Literal["equal", "refused", "broken", "different"]
    detail: str
    difference: float = 0.0


@dataclass(frozen=True)
class Case:
    """A scheduler class, what is changed in its configuration, and the number of steps."""

    name: str
    config: Mapping[str, Any]
    steps: int


def names() -> list[str]:
    """Every scheduler class of diffusers that can be imported here."""
    found = vars(diffusers.schedulers)
    return sorted(
        name
        for name in dir(diffusers.schedulers)
        if inspect.isclass(kind := found.get(name, getattr(diffusers.schedulers, name, None)))
        and issubclass(kind, SchedulerMixin)
        and kind is not SchedulerMixin
    )


def options(name: str) -> dict[str, list[Any]]:
    """field -> its values other than the default: both of a boolean, all of a Literal, those of `CHOICES`."""
    found: dict[str, list[Any]] = {}
    for field, parameter in inspect.signature(getattr(diffusers, name).__init__).parameters.items():
        if field == "self" or field in LEFT_OUT:
            continue
        values = [*CHOICES.get(field, ()), *_annotated(parameter.annotation)]
        different = [v for i, v in enumerate(values) if v != parameter.default and v not in values[:i]]
        if different:
            found[field] = different
    return found


def _annotated(annotation: Any) -> tuple[Any, ...]:
    if annotation is bool:
        return (True, False)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is not None:
        return tuple(value for part in get_args(annotation) for value in _annotated(part))
    return ()


def cases(name: str, together: int = 1) -> Iterator[Case]:
    """The default, and every combination of up to `together` changed values."""
    single = [(field, value) for field, values in options(name).items() for value in values]
    for count in range(together + 1):
        for changes in itertools.combinations(single, count):
            if len({field for field, _ in changes}) == count:
                for steps in STEPS:
                    yield Case(name, dict(changes), steps)


def build(case: Case) -> Any:
    """The scheduler, with its timesteps laid out."""
    kind = getattr(diffusers, case.name)
    clip = {"clip_sample": False} if "clip_sample" in inspect.signature(kind.__init__).parameters else {}
    scheduler = kind(**clip, **case.config)
    more = {"mu": 0.5} if scheduler.config.get("use_dynamic_shifting") else {}
    scheduler.set_timesteps(case.steps, **more)
    return scheduler


def net(t: Tensor, x: Tensor, z: Tensor | None = None) -> Tensor:
    """A smooth network that depends on the time and mixes the entries."""
    mixed = x.roll(1, -1) - 0.5 * x.flip(1)
    level = (t.to(x.dtype) / 1000).view(-1, *[1] * (x.dim() - 1))
    return torch.sin(mixed + level) + 0.3 * torch.tanh(x)


def start(like: tuple[int, ...] = SHAPE) -> Tensor:
    """x_T."""
    return torch.randn(like, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@torch.no_grad()
def own_loop(scheduler: Any, x: Tensor, noises: Sequence[Tensor]) -> Tensor:
    """The last state of the scheduler's own loop."""
    for name in ("sigmas", "alphas_cumprod", "final_alpha_cumprod", "one"):
        if isinstance(value := getattr(scheduler, name, None), Tensor):
            setattr(scheduler, name, value.double())
    with given_noise(scheduler, iter(noises)):
        for t in scheduler.timesteps:
            scale = getattr(scheduler, "scale_model_input", lambda x, t: x)
            output = net(t.expand(len(x)), scale(x, t))
            x = scheduler.step(output, t, x).prev_sample
    return x


@torch.no_grad()
def compare(case: Case, make: Callable[[Case], Any] = build) -> Result:
    """Our sample against the scheduler's own."""
    try:
        scheduler = make(case)
    except Exception as error:
        return Result("broken", f"{type(error).__name__}: {error}")
    try:
        sampler = Sampler.from_scheduler(scheduler)
    except (ValueError, NotImplementedError) as error:
        return Result("refused", str(error))
    except Exception as error:
        return Result("different", f"{type(error).__name__}: {error}")
    scaled = case.name.startswith("Euler")  # whose states are x / alpha
    first, last = (math.sqrt(1 + r * r) if scaled else 1.0 for r in (sampler.grid.rho[0], sampler.grid.rho[-1]))
    x = start()
    noises = [
        start() * 0 + torch.randn(SHAPE, generator=torch.Generator().manual_seed(1 + i), dtype=x.dtype)
        for i in range(case.steps)
    ]
    ours = x
    try:
        *_, ours = sample(net, sampler, x, None, torch.stack(noises[: sampler.steps]) if sampler.sde else None)
    except Exception as error:
        return Result("different", f"{type(error).__name__}: {error}")
    try:
        theirs = own_loop(scheduler, x * first, noises) / last
    except Exception as error:
        return Result("broken", f"{type(error).__name__}: {error}")
    if not theirs.isfinite().all():
        return Result("broken", "its own loop ends in numbers that are not finite")
    difference = float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1.0))
    return Result("equal" if difference <= TOLERANCE else "different", f"{difference:.1e}", difference)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", action="store_true", help="also every two changed values together")
    parser.add_argument("--only", default="", help="classes whose name holds this")
    options_given = parser.parse_args()
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    print("| scheduler | equal | largest difference | refused | broken in diffusers | different |")
    print("|---|---|---|---|---|---|")
    sentences: dict[str, Counter[str]] = defaultdict(Counter)
    for name in (n for n in names() if options_given.only in n):
        if name not in SCHEDULERS:
            result = compare(Case(name, {}, 5))
            print(f"| {name} | 0 | | all | | {'' if result.kind in ('refused', 'broken') else result.detail} |")
            continue
        results = [(case, compare(case)) for case in cases(name, 2 if options_given.pairs else 1)]
        count = Counter(result.kind for _, result in results)
        largest = max((r.difference for _, r in results if r.kind == "equal"), default=0.0)
        row = [name, count["equal"], f"{largest:.1e}", count["refused"], count["broken"], count["different"]]
        print("|", " | ".join(map(str, row)), "|")
        for case, result in results:
            if result.kind in ("refused", "different"):
                where = f" {dict(case.config)} N = {case.steps}" if result.kind == "different" else ""
                sentences[f"{name} {result.kind}"][result.detail + where] += 1
    for kind, found in sentences.items():
        print(f"\n{kind}")
        for sentence, times in found.most_common():
            print(f"  {times} x {sentence}")


if __name__ == "__main__":
    main()
