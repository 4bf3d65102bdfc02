"""Run the table forwards. Steps are pure functions; no function here switches the grad mode, gradient methods do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from adjointdeis.conditioning import check_z as check_z
from adjointdeis.conditioning import z_at as z_at
from adjointdeis.denoiser import Denoiser, tensor_of, wrapped
from adjointdeis.sampler import Row, Sampler
from adjointdeis.shapes import Conditioning, Noises, Scheduled, State

History = tuple[Tensor, ...]
"""m_i, m_{i-1}, ...: as many as the next row may need, newest first."""


def call(model: Denoiser, time: int | float, x: State, z: Conditioning) -> State:
    """net(t, x_t, z) with t as a batch (b,), in the state's dtype.

    A network in half precision may return its own dtype; the step is computed in the state's.

    Raises:
        ValueError: the output's shape or device is not the state's, or it holds no floating-point numbers.
        TypeError: z is one conditioning a step; a call takes that of its step, `z_at(z, i)`.
    """
    if isinstance(z, Scheduled):
        raise TypeError("A network call takes one z; got one a step. Pass that of step i, z_at(z, i).")
    dtype = torch.long if isinstance(time, int) else x.dtype
    t = torch.full((len(x),), time, dtype=dtype, device=x.device)
    output = tensor_of(model(t, x, z))
    if output.shape != x.shape:
        raise ValueError(
            f"The network must return the shape of its input; got {tuple(output.shape)} for {tuple(x.shape)} at "
            f"t = {time}."
        )
    if not output.is_floating_point() or output.device != x.device:
        raise ValueError(
            f"The network must return floating-point numbers on {x.device}, where its input is; got {output.dtype} on "
            f"{output.device}."
        )
    return output.to(x.dtype)


def check_state(x: Any, model: Denoiser) -> None:
    """Raises ValueError for a state that is no batch of floating-point tensors on the network's device."""
    if not isinstance(x, Tensor):
        raise ValueError(f"x_T must be a torch tensor; got {type(x).__name__}. Convert it with torch.as_tensor(x).")
    if not x.is_floating_point():
        raise ValueError(f"x_T must hold floating-point numbers; got {x.dtype}. Scale images to [-1, 1] with .float().")
    if x.dim() == 0 or x.numel() == 0:
        raise ValueError(f"x_T must hold at least one state, shape (b, ...); got shape {tuple(x.shape)}.")
    for network in (network for network in wrapped(model) if isinstance(network, torch.nn.Module)):
        if (parameter := next(network.parameters(), None)) is None or parameter.device == x.device:
            continue
        # a network that is offloaded, or spread over devices, moves its input itself
        offloaded = any(hasattr(module, "_hf_hook") for module in network.modules())
        if len({p.device for p in network.parameters()}) == 1 and not offloaded:
            raise ValueError(f"x_T is on {x.device}, but the network is on {parameter.device}; move one of them.")


def step(
    row: Row, model: Denoiser, x: State, z: Conditioning, history: History, noise: Tensor | None
) -> tuple[State, History]:
    """x_{i+1} = A_i x_i + sum_j B_ij m_{i-j} + D_i w_i; also the history for the next row."""
    return follow(row, x, call(model, row.time, x, z), history, noise)


def follow(row: Row, x: State, output: State, history: History, noise: Tensor | None) -> tuple[State, History]:
    """`step`, given the network's output at x."""
    m = row.Q * output
    if row.P:
        m = m + row.P * x
    recent = (m, *history)
    x_t = row.A * x
    for weight, m_j in zip(row.B, recent, strict=False):
        x_t = x_t + weight * m_j
    if row.D and noise is not None:
        x_t = (x_t + row.D * noise).to(x.dtype)  # a noise wider than the state is added before rounding
    return x_t, recent[: row.kept]


def sample(
    model: Denoiser,
    sampler: Sampler,
    x_T: State,
    z: Conditioning,
    noises: Noises | Sequence[Tensor] | None = None,
) -> Iterator[State]:
    """The states x_0 = x_T, x_1, ..., x_N; the last is the image.

    Args:
        model: net(t, x, z).
        sampler: the table.
        x_T: starting state (b, *x).
        z: conditioning, one a step if `Scheduled`, or None.
        noises: w_0 .. w_{N-1} (N, b, *x) for an SDE; drawn from torch's global generator if None.

    Raises:
        ValueError: noises for an ODE, or of the wrong shape; a scheduled z whose length is not the number of steps.
    """
    check_state(x_T, model)
    check_z(z, sampler.steps)
    return iterate(model, sampler, x_T, z, check_noises(sampler, x_T, noises))


def iterate(model: Denoiser, sampler: Sampler, x_T: State, z: Conditioning, noises: Noises | None) -> Iterator[State]:
    """`sample`, for arguments that were checked."""
    history: History = ()
    x = x_T
    yield x
    for i, row in enumerate(sampler.rows):
        x, history = step(row, model, x, z_at(z, i), history, None if noises is None else noises[i])
        yield x


def check_noises(sampler: Sampler, x_T: State, noises: Noises | Sequence[Tensor] | None) -> Noises | None:
    """The noises of a pass, stacked (N, b, *x): drawn for an SDE if None, and None for an ODE.

    Raises:
        ValueError: noises for an ODE, of the wrong shape, or no floating-point tensors on the device of x_T.
    """
    if not sampler.sde:
        if noises is not None:
            raise ValueError("An ODE sampler takes no noises; leave them out, or build the sampler with sde=True.")
        return None
    if noises is None:
        return sampler.draw_noises(x_T)
    stacked = noises if isinstance(noises, Tensor) else _stacked(noises, x_T)
    expected = (sampler.steps, *x_T.shape)
    if stacked.shape != expected:
        raise ValueError(f"noises must be (steps, *x_T.shape) = {expected}; got {tuple(stacked.shape)}.")
    if not stacked.is_floating_point() or stacked.device != x_T.device:
        raise ValueError(
            f"noises must hold floating-point numbers on {x_T.device}, where x_T is; got {stacked.dtype} on "
            f"{stacked.device}."
        )
    return stacked


def _stacked(noises: Any, x_T: State) -> Noises:
    parts = list(noises) if isinstance(noises, Iterable) else [noises]
    if wrong := [w for w in parts if not isinstance(w, Tensor) or w.shape != x_T.shape]:
        got = tuple(wrong[0].shape) if isinstance(wrong[0], Tensor) else type(wrong[0]).__name__
        raise ValueError(
            f"noises must be one tensor (steps, *x_T.shape), or one of shape {tuple(x_T.shape)} a step; got {got}."
        )
    return torch.stack(parts) if parts else x_T.new_empty(0, *x_T.shape)
