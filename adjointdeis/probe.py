"""The table of a scheduler that `schedulers` does not read, from the scheduler's own `step`.

A one-step scheduler that is linear in state, output and noise,

    y_{i+1} = a_i y_i + b_i net(s_i y_i) + d_i w_i,        s_i: the factor of `scale_model_input`,

has the row (in the state x_i = s_i y_i that the network is given, s_N = 1)

    A = a_i s_{i+1} / s_i,        B = b_i s_{i+1},        D = d_i s_{i+1}.

a, b and d are `step` at (1, 0, 0), (0, 1, 0) and (0, 0, 1) on a copy of the scheduler in float64. The row is then
compared with `step` on random values, once for each of two copies that were brought to step i by different states and
outputs: a scheduler that clips is not linear, and one whose step depends on earlier outputs has a history. Both are
refused.

The grid is that of the training schedule where the scheduler has one (alphas_cumprod, a flow's sigmas, the angles of
trigonometric flow). Elsewhere alpha = 1 and the noise falls in equal steps; only the rows mean something there.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from adjointdeis.denoiser import Prediction
from adjointdeis.sampler import Sampler
from adjointdeis.schedule import Grid
from adjointdeis.tables import Row

SHAPE = (2, 3, 2, 2)
TOLERANCE = 1e-6


class Probed(NamedTuple):
    """The sampler, and s_0 .. s_N."""

    sampler: Sampler
    scales: tuple[float, ...]


def probe(scheduler: Any, arguments: Mapping[str, Any] | None = None, begin: int = 0) -> Probed:
    """The table of a scheduler's own steps.

    Args:
        scheduler: of diffusers, after `set_timesteps`; it is left unchanged.
        arguments: what is passed to `step` beside output, time and state, such as eta.
        begin: the first step, where a pipeline starts later.

    Raises:
        NotImplementedError: a step that is not linear, depends on earlier outputs, or draws its noise in another way
            than by one call of diffusers' randn_tensor.
    """
    first = _in_float64(scheduler)
    count = _count(first) - begin
    timesteps = first.timesteps[begin : begin + count]
    times = timesteps.tolist()
    name, extra = type(scheduler).__name__, _accepted(first, arguments or {})
    walkers = [first, copy.deepcopy(first)]
    numbers, scales = [], []
    for i, t in enumerate(timesteps):
        scales.append(scale(walkers[0], t))
        row = [_step(walkers[0], t, *entries.unbind(), extra=extra).flatten()[0].item() for entries in torch.eye(3)]
        for number, walker in enumerate(walkers):
            _check(name, walker, t, row, extra, seed=2 * i + number)
        numbers.append(row)
        walkers = [_advanced(walker, t, extra, 2 * i + k) for k, walker in enumerate(walkers)]
    scales.append(1.0)
    rows = tuple(
        Row(time, 0.0, 1.0, a * scales[i + 1] / scales[i], (b * scales[i + 1],), d * scales[i + 1], kept=0)
        for i, (time, (a, b, d)) in enumerate(zip(times, numbers, strict=True))
    )
    sampler = Sampler(_grid(first, times, begin), rows, _prediction(first), any(row.D for row in rows), 1)
    return Probed(sampler, tuple(scales))


def _in_float64(scheduler: Any) -> Any:
    new = copy.deepcopy(scheduler)
    for name, value in vars(new).items():
        if isinstance(value, Tensor) and value.is_floating_point() and name != "timesteps":
            setattr(new, name, value.double())
    return new


def _count(scheduler: Any) -> int:
    """The number of steps: some schedulers list the end of the last step as a time."""
    listed = len(scheduler.timesteps)
    return listed - int(listed == scheduler.num_inference_steps + 1)


def _accepted(scheduler: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(scheduler.step).parameters
    return {k: v for k, v in arguments.items() if k in names and k not in ("generator", "return_dict")}


def scale(scheduler: Any, t: Tensor) -> float:
    """s of the step at t, which the scheduler finds by its time."""
    if not hasattr(scheduler, "scale_model_input"):
        return 1.0
    new = copy.deepcopy(scheduler)
    if hasattr(new, "_step_index"):
        new._step_index = new._begin_index = None
    return float(new.scale_model_input(torch.ones(1, dtype=torch.float64, device=t.device), t))


@contextlib.contextmanager
def drawing(scheduler: Any, draw: Callable[..., Tensor]) -> Iterator[None]:
    """The scheduler's module draws by draw(own, ...) instead of diffusers' randn_tensor, `own`."""
    module: Any = sys.modules[type(scheduler).__module__]
    own = getattr(module, "randn_tensor", None)
    if own is None:
        yield
        return
    module.randn_tensor = partial(draw, own)
    try:
        yield
    finally:
        module.randn_tensor = own


def given_noise(scheduler: Any, noises: Iterator[Tensor]) -> contextlib.AbstractContextManager[None]:
    """The scheduler's module takes its random numbers from `noises`, in order."""
    return drawing(scheduler, lambda *_, **__: next(noises))


def _run(scheduler: Any, t: Tensor, x: Tensor, output: Tensor, w: Tensor, extra: Mapping[str, Any]) -> Tensor:
    name = type(scheduler).__name__
    if hasattr(scheduler, "scale_model_input"):
        scheduler.scale_model_input(x, t)
    with given_noise(scheduler, iter([w])):
        try:
            result: Tensor = scheduler.step(output, t, x, return_dict=False, **extra)[0]
        except StopIteration:
            raise NotImplementedError(f"{name} draws more than one noise a step; use another scheduler.") from None
        except (ValueError, IndexError, TypeError, AttributeError, RuntimeError) as error:
            raise NotImplementedError(
                f"{name}.step cannot be called on its own ({error}); use another scheduler."
            ) from error
    return result


def _step(scheduler: Any, t: Tensor, x: Tensor, output: Tensor, w: Tensor, *, extra: Mapping[str, Any]) -> Tensor:
    """`step` of a copy; scalars are filled into a state."""
    filled = [v.double().expand(SHAPE).clone() if v.dim() == 0 else v for v in (x, output, w)]
    return _run(copy.deepcopy(scheduler), t, filled[0], filled[1], filled[2], extra)


def _random(seed: int) -> Tensor:
    """State, output and noise, (3, *SHAPE)."""
    generator = torch.Generator().manual_seed(seed)
    return 4 * torch.randn((3, *SHAPE), generator=generator, dtype=torch.float64)


def _check(name: str, walker: Any, t: Tensor, row: list[float], extra: Mapping[str, Any], seed: int) -> None:
    x, output, w = _random(seed)
    expected = row[0] * x + row[1] * output + row[2] * w
    found = [_step(walker, t, x, output, w, extra=extra) for _ in range(2)]
    scale = expected.abs().max().clamp_min(1e-12)
    if (found[0] - found[1]).abs().max() > TOLERANCE * scale:
        raise NotImplementedError(
            f"{name} draws its noise in another way than diffusers' randn_tensor, so the noise is not an input of the "
            "sampler; use another scheduler."
        )
    if not (found[0] - expected).abs().max() <= TOLERANCE * scale:
        raise NotImplementedError(
            f"A step of {name} is not linear in state, output and noise, or depends on earlier outputs; set "
            "clip_sample=False and thresholding=False if it has them, or use another scheduler."
        )


def _advanced(walker: Any, t: Tensor, extra: Mapping[str, Any], seed: int) -> Any:
    x, output, w = _random(seed + 1000)
    _run(walker, t, x, output, w, extra)
    return walker


def _prediction(scheduler: Any) -> Prediction:
    named = scheduler.config.get("prediction_type", "epsilon")
    if _is_flow(scheduler):
        return "flow_prediction"
    return named if named in get_args(Prediction) else "epsilon"


def _is_flow(scheduler: Any) -> bool:
    return type(scheduler).__name__.startswith("Flow")


def _grid(scheduler: Any, times: list[float], begin: int) -> Grid:
    """The grid of the training schedule, or nominal nodes."""
    for nodes in (_of_alphas, _of_angles, partial(_of_sigmas, begin=begin)):
        with contextlib.suppress(ValueError, AttributeError, IndexError, TypeError, KeyError):
            alpha, sigma = nodes(scheduler, times)
            return Grid((*times, 0), tuple(alpha), tuple(sigma))
    count = len(times)
    return Grid((*times, 0), (1.0,) * (count + 1), tuple((count - i) / count for i in range(count + 1)))


Pair = tuple[list[float], list[float]]


def _of_alphas(scheduler: Any, times: list[float]) -> Pair:
    bars = [*scheduler.alphas_cumprod[torch.tensor(times).long()].tolist(), 1.0]
    return [math.sqrt(a) for a in bars], [math.sqrt(max(1 - a, 0.0)) for a in bars]


def _of_angles(scheduler: Any, times: list[float]) -> Pair:
    if type(scheduler).__name__ != "SCMScheduler":
        raise ValueError("The times are not angles.")
    angles = [*times, 0.0]
    return [math.cos(t) for t in angles], [math.sin(t) for t in angles]


def _of_sigmas(scheduler: Any, times: list[float], begin: int) -> Pair:
    rhos = [*scheduler.sigmas.tolist()[begin : begin + len(times)], 0.0]
    if _is_flow(scheduler):
        return [1 - rho for rho in rhos], rhos
    alphas = [1 / math.sqrt(1 + rho * rho) for rho in rhos]
    return alphas, [alpha * rho for alpha, rho in zip(alphas, rhos, strict=True)]
