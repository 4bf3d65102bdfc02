"""A sampler that runs backwards exactly: the gradient with two states in memory, however many the steps.

The coupling of McCallum & Foster (2024, 2410.11648) on the first-order step of the data family, A = sigma_t / sigma_s
and B = alpha_t - sigma_t alpha_s / sigma_s. The state x has a twin u, x_0 = u_0 = x_T; with m the estimate x0_hat of
the image, taken at the step's noisier end s and at its cleaner end t,

    x_t = A (c x_s + (1 - c) u_s) + B m_s(u_s)            c in (0, 1], the coupling
    u_t = A u_s + B m_t(x_t)

Both lines can be solved for what they started from,

    u_s = (u_t - B m_t(x_t)) / A
    x_s = ((x_t - B m_s(u_s)) / A - (1 - c) u_s) / c

so no state is kept: on the way back each is computed again from the one after it, and the vector-Jacobian products are
taken at the very calls that this needs. The twin takes no last step: the image is x_N, and the pair before it is kept
as it was, which is why an end at sigma = 0 (A = 0) is no obstacle.

The sampler is another one than the table of the same grid: first-order, 2 N - 1 network calls in place of N, and an
image that is nearer to the exact flow than DDIM's as long as c is near 1. Its gradient is exact for that image.

Why this scheme (docs/reversible.md has the figures, benchmarks/reversible.py measures them): of the published ones it
is the only one whose image stays near the flow in every world tried. Under strong guidance, on steps uniform in time,
its error at 20 steps is a seventh or less of BDIA's, BELM's and reversible Heun's, and at equal numbers of network
calls it is smaller, too. EDICT is far off below 50 steps. The same coupling on the noise family (in x / alpha) is far
off at all usual numbers of steps: what is between x and u grows there by e^h a step, on the data family it shrinks.
Without guidance, and at equal numbers of calls, BELM (one call a step) is as good. Rounding is no argument: with the
state in float32 every scheme loses digits on the way back, under guidance many of them; in float64, as here, none
that count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from adjointdeis.denoiser import Denoiser, Linear, to_x0
from adjointdeis.gradients.base import LossAndGradients, LossFn, checked, gather, loss_and_cotangent
from adjointdeis.gradients.vjp import Constants
from adjointdeis.sample import call, check_noises, check_z, z_at
from adjointdeis.sampler import Sampler
from adjointdeis.shapes import Conditioning, Noises, State
from adjointdeis.tables import first_order


class Pair(NamedTuple):
    """x_i and its twin u_i, each (b, *x); also a cotangent of the two."""

    x: Tensor
    u: Tensor


class Step(NamedTuple):
    """Step i: its coefficients, and m at its two ends (None at sigma_t = 0, where the twin takes no step)."""

    i: int
    A: float
    B: float
    s: Linear
    t: Linear | None
    time_s: int | float
    time_t: int | float


@dataclass(frozen=True)
class Reversible:
    """dL/d(x_T, z, theta), exact for the reversible sampler; two states in memory.

    Makes 2 N - 1 network calls without and 2 N - 1 with a gradient, twice of what DiscreteAdjoint makes. Prefer that,
    unless N states do not fit. Of the sampler it takes the grid and the prediction type. The pair is kept in float64
    (the network is called in x_T's own dtype), so that running backwards through a contracting flow loses nothing.

    Args:
        coupling: c in (0, 1]. Nearer to 1 is more accurate without guidance, lower is with it; a pass back multiplies
            rounding errors by c^-N, so c^N should stay above 1e-3 or so.

    Raises:
        ValueError: coupling outside (0, 1].
    """

    coupling: float = 0.97

    def __post_init__(self) -> None:
        if not 0 < self.coupling <= 1:
            raise ValueError(
                f"coupling must be in (0, 1]; got {self.coupling}. 0.97 is a good value for 10 to 100 steps."
            )

    def sample(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        noises: Noises | Sequence[Tensor] | None = None,
    ) -> Iterator[State]:
        """The states x_0 = x_T, x_1, ..., x_N of the reversible sampler; the last is the image.

        Raises:
            NotImplementedError: an SDE.
            ValueError: as adjointdeis.sample does.
        """
        check_ode(sampler)
        check_z(sampler, z)
        check_noises(sampler, x_T, noises)
        return (pair.x.to(x_T.dtype) for pair in self._forwards(model, steps(sampler), x_T, z))

    def value_and_grad(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        noises: Noises | Sequence[Tensor] | None = None,
        wrt: Sequence[str] = ("x_T", "z"),
    ) -> LossAndGradients:
        """See GradientMethod.

        Raises:
            NotImplementedError: an SDE.
            FloatingPointError: also where the way back does not end at x_T, so that the gradient would be wrong.
        """
        check_ode(sampler)
        return checked(self._differentiate, model, sampler, x_T, z, loss_fn, noises, wrt)

    def _differentiate(
        self,
        model: Denoiser,
        sampler: Sampler,
        x_T: State,
        z: Conditioning,
        loss_fn: LossFn,
        _: Noises | None,
        wrt: Sequence[str],
    ) -> LossAndGradients:
        table = steps(sampler)
        with torch.no_grad():
            before = image = Pair(x_T, x_T)
            for pair in self._forwards(model, table, x_T, z):
                before, image = image, pair
        constants = Constants(model, z, wrt)
        loss, g = loss_and_cotangent(loss_fn, image.x.to(x_T.dtype))
        with torch.no_grad():
            back = _Back(
                self.coupling, constants, x_T.dtype, before, Pair(g.to(before.x.dtype), torch.zeros_like(before.x))
            )
            back.last(table[-1])
            for step in reversed(table[:-1]):
                back.reverse(step)
        back.check(x_T)
        return gather(loss, image.x.to(x_T.dtype), (back.g.x + back.g.u).to(x_T.dtype), None, constants, wrt)

    def _forwards(self, model: Denoiser, table: list[Step], x_T: State, z: Conditioning) -> Iterator[Pair]:
        c, dtype = self.coupling, x_T.dtype
        # a device without float64 keeps the state's own
        wide = dtype if x_T.device.type == "mps" else torch.float64
        x = u = x_T.to(wide)
        yield Pair(x, u)
        for step in table:
            m_s = step.s.state * u + step.s.output * call(model, step.time_s, u.to(dtype), z_at(z, step.i)).to(wide)
            x = step.A * (c * x + (1 - c) * u) + step.B * m_s
            if step.t is not None:
                net = call(model, step.time_t, x.to(dtype), z_at(z, step.i)).to(wide)
                u = step.A * u + step.B * (step.t.state * x + step.t.output * net)
            yield Pair(x, u)


class _Back:
    """The way back: the pair at hand, and g, the loss's cotangent of it."""

    def __init__(self, coupling: float, constants: Constants, dtype: torch.dtype, pair: Pair, g: Pair) -> None:
        self.c, self.constants, self.dtype = coupling, constants, dtype
        self.pair, self.g = pair, g

    def last(self, step: Step) -> None:
        """The last step, which the twin does not take; its start is at hand."""
        g_x = self.g.x
        _, pulled = self._at(step.time_s, step.s, self.pair.u, step.B * g_x, step.i)
        self.g = Pair(step.A * self.c * g_x, step.A * (1 - self.c) * g_x + pulled)

    def reverse(self, step: Step) -> None:
        """From the pair after a step to the one before it."""
        assert step.t is not None  # of the last step alone
        (x, u), (g_x, g_u) = self.pair, self.g
        m_t, pulled = self._at(step.time_t, step.t, x, step.B * g_u, step.i)
        u, g_x = (u - step.B * m_t) / step.A, g_x + pulled
        m_s, pulled = self._at(step.time_s, step.s, u, step.B * g_x, step.i)
        x = ((x - step.B * m_s) / step.A - (1 - self.c) * u) / self.c
        self.pair = Pair(x, u)
        self.g = Pair(step.A * self.c * g_x, step.A * (g_u + (1 - self.c) * g_x) + pulled)

    def check(self, x_T: State) -> None:
        """Raises FloatingPointError unless the way back ended at x_T."""
        off = float((self.pair.u - x_T).norm() / x_T.norm().clamp_min(torch.finfo(x_T.dtype).tiny))
        if off > 1e-3:
            raise FloatingPointError(
                f"The reversible sampler's way back misses x_T by {off:.1e} of its length, so its gradient would be "
                "wrong; use a coupling nearer to 1, fewer steps, or DiscreteAdjoint."
            )

    def _at(self, time: int | float, m: Linear, x: State, cotangent: State, i: int) -> tuple[State, State]:
        """m(x), and cotangent^T dm/dx; the shares of z and theta are added."""
        recorded = self.constants.record(time, x.to(self.dtype), i)
        value = m.state * x + m.output * recorded.output.detach().to(x.dtype)
        pulled, shares = self.constants.pull(recorded, (m.output * cotangent).to(self.dtype))
        self.constants.add(shares, step=i)
        return value, m.state * cotangent + pulled.to(x.dtype)


def steps(sampler: Sampler) -> list[Step]:
    """The first-order steps of the data family on the sampler's grid, with the estimate of x0 at both ends."""
    grid, prediction = sampler.grid, sampler.prediction_type
    found = []
    for i in range(grid.steps):
        m, A, B, _ = first_order(grid, i, prediction, "data", sde=False)
        last = i == grid.steps - 1
        at_t = None if last else to_x0(prediction, grid.alpha[i + 1], grid.sigma[i + 1])
        found.append(Step(i, A, B, m, at_t, grid.times[i], grid.times[i + 1]))
    return found


def check_ode(sampler: Sampler) -> None:
    """Raises NotImplementedError for an SDE."""
    if sampler.sde:
        raise NotImplementedError(
            "Reversible saves the memory of N states, which the N noises of an SDE take anyway, and an SDE that "
            "forgets where it started cannot be run backwards without losing digits; use DiscreteAdjoint."
        )
