"""Encoding (inversion): from an image to the noise whose sample is that image.

SDE (Cycle-SDE, Wu & De la Torre, 2210.05559): draw a path x_0 .. x_{N-1} of noisy versions of the image, with
x_N = image, then solve every row of the table for its noise, from the noisiest step to the cleanest:

    w_i      = (x_{i+1} - A_i x'_i - sum_j B_ij m'_{i-j}) / D_i,         x'_0 = x_0
    x'_{i+1} = A_i x'_i + sum_j B_ij m'_{i-j} + D_i w_i               as sampling computes it

Each noise is solved for at the state x'_i that sampling will have there, not at the drawn x_i, from which rounding
makes it differ. So the rounding of one step is all that separates the sample from the image, whatever the network, its
precision and the number of steps. An untrained network's x0_hat may be a hundred times the image; w_i then cancels it,
and the digits left in float32 are not enough. So noises are float64, whatever the state's dtype, and sampling adds
them before it rounds: the sample of a state in float32 or half precision is then the image itself. On a device without
float64 (mps) noises have the state's dtype.

The path is drawn from

    "independent"   x_i = alpha_i image + sigma_i eps_i, with independent eps_i: as in the paper's code
    "posterior"     x_i given x_{i-1} and the image, the Markov chain of the diffusion: noises nearer to N(0, I)

ODE (DDIM inversion): solve every row for its start, x_i = (x_{i+1} - B_i m_i(x_i)) / A_i, by fixed-point
iteration. The plain inversion (one iteration) is only approximate; where the iteration converges, the round trip is
exact.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser
from adjointdeis.precision import widest
from adjointdeis.sample import History, call, check_state, check_z, follow, z_at
from adjointdeis.sampler import Row, Sampler
from adjointdeis.shapes import Conditioning, State

Marginals = Literal["independent", "posterior"]
Source = torch.Generator | Sequence[torch.Generator] | None
"""Of the path's noise: one for the batch, or one an image, which gives each image the noise that it has alone."""


class Encoding(NamedTuple):
    """x_T (b, *x), and the noises (N, b, *x) of an SDE, in float64, or None for an ODE."""

    x_T: Tensor
    noises: Tensor | None


def encode(
    model: Denoiser,
    sampler: Sampler,
    image: State,
    z: Conditioning,
    generator: Source = None,
    marginals: Marginals = "independent",
    *,
    iterations: int = 10,
    tolerance: float = 1e-6,
) -> Encoding:
    """The encoding from which `sample` returns the image.

    Args:
        model: net(t, x, z).
        sampler: the table, the same that will sample.
        image: (b, *x), in the range the network was trained on.
        z: conditioning, the same that will sample.
        generator: source of the path's noise (SDE only); one for the batch, or a sequence of one an image.
        marginals: "independent" or "posterior" (SDE only).
        iterations: most network calls a step (ODE only); 1 is plain DDIM inversion.
        tolerance: a step is solved when no entry changes by more than this (ODE only).

    Raises:
        ValueError: unknown marginals, iterations < 1, or a last step to sigma = 0 without noise (SDE), or that keeps
            nothing of its start (ODE).
        NotImplementedError: a multistep ODE sampler, whose steps cannot be solved one by one.
        FloatingPointError: the network's output is not finite (ODE only; for an SDE the noises are then not finite).
    """
    steps = encode_steps(model, sampler, image, z, generator, marginals, iterations=iterations, tolerance=tolerance)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            encoding: Encoding = end.value
            return encoding


def encode_steps(
    model: Denoiser,
    sampler: Sampler,
    image: State,
    z: Conditioning,
    generator: Source = None,
    marginals: Marginals = "independent",
    *,
    iterations: int = 10,
    tolerance: float = 1e-6,
) -> Generator[State, None, Encoding]:
    """`encode`, yielding one state x_{N-1} .. x_0 on the way from the image to the noise for each step solved."""
    if marginals not in ("independent", "posterior"):
        raise ValueError(f"marginals must be 'independent' or 'posterior'; got {marginals!r}.")
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1; got {iterations}.")
    if isinstance(generator, Sequence) and len(generator) != len(image):
        raise ValueError(f"Generators are one for the batch, or one an image; got {len(generator)} for {len(image)}.")
    check_state(image, model)
    check_z(z, sampler.steps)
    if sampler.sde:
        return _encode_sde(model, sampler, image, z, generator, marginals)
    if any(len(row.B) > 1 for row in sampler.rows):
        raise NotImplementedError(
            "An ODE sampler of order 2, or with UniPC's corrector, cannot be inverted step by step, because its steps "
            "depend on earlier outputs; encode with order=1."
        )
    if any(row.A == 0 for row in sampler.rows):
        raise ValueError(
            "A step to sigma = 0 that ends at x0_hat keeps nothing of its start (A = 0), so none can be solved for; "
            "end the grid at sigma_min: final_sigmas_type='sigma_min' in the scheduler, or final='sigma_min'."
        )
    return _encode_ode(model, sampler, image, z, iterations, tolerance)


@torch.no_grad()
def _encode_sde(
    model: Denoiser,
    sampler: Sampler,
    image: State,
    z: Conditioning,
    generator: Source,
    marginals: Marginals,
) -> Generator[State, None, Encoding]:
    if sampler.rows[-1].D == 0:
        raise ValueError(
            "The last step has no noise to solve for, because the grid ends at sigma = 0; end it at sigma_min: "
            "final_sigmas_type='sigma_min' in the scheduler, or final='sigma_min'."
        )
    draw = _independent_path if marginals == "independent" else _posterior_path
    path = [*draw(sampler, image, generator), image]
    noises = torch.empty((sampler.steps, *image.shape), dtype=widest(image), device=image.device)
    x = path[0]
    history: History = ()
    for i, row in enumerate(sampler.rows):
        output = call(model, row.time, x, z_at(z, i))
        predicted, _ = follow(row, x, output, history, None)
        noises[i] = (path[i + 1].to(noises.dtype) - predicted) / row.D
        x, history = follow(row, x, output, history, noises[i])
        yield path[sampler.steps - 1 - i]
    return Encoding(path[0], noises)


@torch.no_grad()
def _encode_ode(
    model: Denoiser, sampler: Sampler, image: State, z: Conditioning, iterations: int, tolerance: float
) -> Generator[State, None, Encoding]:
    x = image
    for i, row in reversed(list(enumerate(sampler.rows))):
        start = _solve_start(row, model, x, z_at(z, i), iterations, tolerance)
        if start is None:
            where = f"step {i + 1} of {sampler.steps} (t = {float(row.time):.4g})"
            raise FloatingPointError(f"The network's output at {where} is not finite, so the step cannot be inverted.")
        x = start
        yield x
    return Encoding(x, None)


def _solve_start(
    row: Row, model: Denoiser, x_t: State, z: Conditioning, iterations: int, tolerance: float
) -> State | None:
    """The x_s with A x_s + B m(x_s) = x_t, image by image; None if the network's output is not finite.

    If an iterate changes by more than the one before it, that image's steps are halved from then on, so that
    oscillating iterations converge; the iterate that changed least is returned.
    """
    each = (len(x_t), *[1] * (x_t.dim() - 1))
    x_s = best = x_t / row.A
    relax = x_t.new_ones(each)
    least = last = torch.full_like(relax, float("inf"))
    for _ in range(iterations):
        gap = (x_t - row.B[0] * _m(row, model, x_s, z)) / row.A - x_s
        moved = gap.abs().flatten(1).amax(1).view(each)
        if not moved.isfinite().all():
            return None
        relax = torch.where(moved < last, relax, relax / 2)
        x_s = x_s + relax * gap
        best = torch.where(moved < least, x_s, best)
        least, last = torch.minimum(moved, least), moved
        if least.max() <= tolerance:
            break
    return best


def _m(row: Row, model: Denoiser, x: State, z: Conditioning) -> State:
    return row.P * x + row.Q * call(model, row.time, x, z)


def _normal(like: State, generator: Source) -> State:
    if isinstance(generator, Sequence):
        return torch.cat([_normal(image[None], one) for image, one in zip(like, generator, strict=True)])
    device = like.device if generator is None else generator.device
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=device).to(like.device)


def _independent_path(sampler: Sampler, image: State, generator: Source) -> list[Tensor]:
    grid = sampler.grid
    return [grid.alpha[i] * image + grid.sigma[i] * _normal(image, generator) for i in range(grid.steps)]


def _posterior_path(sampler: Sampler, image: State, generator: Source) -> list[Tensor]:
    """x_t ~ q(x_t | x_s, image), which is normal with

    mean = (r sigma_t^2 / sigma_s^2) x_s + alpha_t (1 - r^2 sigma_t^2 / sigma_s^2) image,  r = alpha_s / alpha_t
    variance = sigma_t^2 (1 - r^2 sigma_t^2 / sigma_s^2)
    """
    grid = sampler.grid
    path = [grid.alpha[0] * image + grid.sigma[0] * _normal(image, generator)]
    for i in range(grid.steps - 1):
        alpha_s, sigma_s, alpha_t, sigma_t = (
            grid.alpha[i],
            grid.sigma[i],
            grid.alpha[i + 1],
            grid.sigma[i + 1],
        )
        r = alpha_s / alpha_t
        kept = r * sigma_t**2 / sigma_s**2
        fresh = 1 - r * kept
        mean = kept * path[-1] + alpha_t * fresh * image
        path.append(mean + sigma_t * fresh**0.5 * _normal(image, generator))
    return path
