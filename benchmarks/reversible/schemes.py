"""Which reversible sampler? `python -m benchmarks.reversible`

The published schemes on one first-order step, in three worlds whose score is known (worlds.py): a mixture of Gaussians,
one whose images are concentrated (std 0.1), and the first guided away from another conditioning by scale 7.5. From
t = 1 to t = 0.001 in steps uniform in lambda, under guidance also uniform in t. Every figure is a relative error:

    image      of the scheme's image, against the exact flow's
    way back   of x_T after going there and back, with state and network in float32, with the network alone in float32,
               with both in float64
    gradient   of dL/dx_T and dL/dz taken on the way back, against autograd with all states kept, the same network and
               states in float64

Writes docs/reversible.md.

    scheme              state                  step (m is the quantity its solver is written in)
    EDICT               (x, y)                 two DDIM steps, each with the other's eps, then both mixed (2211.12446)
    BDIA                (x_{i-1}, x_i)         x_{i+1} = x_{i-1} - D_i^- + D_i^+, D the DDIM steps from x_i (2307.10829)
    BELM                (x_{i-1}, x_i)         the two-step formula of least local error in rho (2410.07273)
    reversible Heun     (y, y_hat, f)          x / alpha over rho (2105.13493)
    coupling c          (x, u)                 McCallum & Foster's (2410.11648), in the noise or in the data family
"""

# ruff: noqa: D102 - the schemes' methods are those that Scheme explains

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from adjointdeis import Grid, LinearVP, OffTheShelf, Sampler
from benchmarks.worlds import Mixture, Problem, mixture, problem, relative_error

DOCS = Path(__file__).resolve().parent.parent / "docs"
STEPS = (10, 20, 50)


def in_lambda(steps: int) -> Grid:
    """Steps of one length in lambda."""
    return LinearVP().uniform_log_snr(steps)


def in_t(steps: int) -> Grid:
    """Steps of one length in t."""
    return LinearVP().grid([1 - 0.999 * i / steps for i in range(steps + 1)])


WORLDS: dict[str, tuple[Mixture, Callable[[int], Grid]]] = {
    "a mixture": (mixture(), in_lambda),
    "a mixture of narrow Gaussians (std 0.1)": (mixture(std=0.1), in_lambda),
    "guidance of scale 7.5": (mixture(scale=7.5), in_lambda),
    "guidance of scale 7.5, steps uniform in t": (mixture(scale=7.5), in_t),
}

Pass = tuple[Tensor, ...]
"""The state of a scheme: two or three tensors."""


@dataclass(frozen=True)
class Here:
    """Grid, network, conditioning; `own` is the dtype that the network is called in."""

    grid: Grid
    net: Mixture
    z: Tensor
    own: torch.dtype

    def eps(self, i: int, x: Tensor) -> Tensor:
        """The network at node i."""
        t = torch.full((len(x),), self.grid.times[i], dtype=torch.float64)
        return self.net(t, x.to(self.own), self.z.to(self.own)).to(x.dtype)

    def ddim(self, i: int, j: int, x: Tensor, eps: Tensor) -> Tensor:
        """x at node j, from node i, with this eps."""
        alpha, sigma = self.grid.alpha, self.grid.sigma
        return alpha[j] / alpha[i] * x + (sigma[j] - alpha[j] * sigma[i] / alpha[i]) * eps


class Scheme(Protocol):
    """A sampler that runs backwards; the states at both ends are kept."""

    @property
    def first(self) -> int:
        """The first step that can be undone."""

    @property
    def spare(self) -> int:
        """How many steps at the end cannot."""

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        """The state before step `first`."""

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        """Step i."""

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        """Step i undone."""

    def image(self, here: Here, s: Pass) -> Tensor:
        """The image, from the state after step N - spare - 1."""

    def start(self, here: Here, s: Pass) -> Tensor:
        """x_T, from the state before step `first`."""


@dataclass(frozen=True)
class Edict:
    """Coupled inversion; p mixes."""

    p: float = 0.93
    first: int = 0
    spare: int = 0

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        return x_T, x_T

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        x = here.ddim(i, i + 1, s[0], here.eps(i, s[1]))
        y = here.ddim(i, i + 1, s[1], here.eps(i, x))
        x = self.p * x + (1 - self.p) * y
        return x, self.p * y + (1 - self.p) * x

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        y = (s[1] - (1 - self.p) * s[0]) / self.p
        x = (s[0] - (1 - self.p) * y) / self.p
        # the same eps, out of the step again: DDIM from i + 1 to i undoes DDIM from i to i + 1
        y = here.ddim(i + 1, i, y, here.eps(i, x))
        return here.ddim(i + 1, i, x, here.eps(i, y)), y

    def image(self, here: Here, s: Pass) -> Tensor:
        return s[0]

    def start(self, here: Here, s: Pass) -> Tensor:
        return s[0]


@dataclass(frozen=True)
class Bdia:
    """Bidirectional integration; gamma = 1 is its exact inverse of least rounding."""

    gamma: float = 1.0
    first: int = 1
    spare: int = 0

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        return x_T, here.ddim(0, 1, x_T, here.eps(0, x_T))

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        eps = here.eps(i, s[1])
        back = here.ddim(i, i - 1, s[1], eps)
        return s[1], here.ddim(i, i + 1, s[1], eps) + self.gamma * (s[0] - back)

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        eps = here.eps(i, s[0])
        back = here.ddim(i, i - 1, s[0], eps)
        return back + (s[1] - here.ddim(i, i + 1, s[0], eps)) / self.gamma, s[0]

    def image(self, here: Here, s: Pass) -> Tensor:
        return s[1]

    def start(self, here: Here, s: Pass) -> Tensor:
        return s[0]


@dataclass(frozen=True)
class Belm:
    """The optimal bidirectional explicit linear multistep sampler of two steps."""

    first: int = 1
    spare: int = 0

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        return x_T, here.ddim(0, 1, x_T, here.eps(0, x_T))

    def _weights(self, here: Here, i: int) -> tuple[float, float]:
        rho = here.grid.rho
        h, before = rho[i] - rho[i + 1], rho[i - 1] - rho[i]
        return (h / before) ** 2, h * (h + before) / before

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        a, (q, w) = here.grid.alpha, self._weights(here, i)
        y = q * s[0] / a[i - 1] + (1 - q) * s[1] / a[i] - w * here.eps(i, s[1])
        return s[1], a[i + 1] * y

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        a, (q, w) = here.grid.alpha, self._weights(here, i)
        y = (s[1] / a[i + 1] - (1 - q) * s[0] / a[i] + w * here.eps(i, s[0])) / q
        return a[i - 1] * y, s[0]

    def image(self, here: Here, s: Pass) -> Tensor:
        return s[1]

    def start(self, here: Here, s: Pass) -> Tensor:
        return s[0]


@dataclass(frozen=True)
class Heun:
    """Reversible Heun, on dy/drho = eps."""

    first: int = 0
    spare: int = 0

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        return x_T / here.grid.alpha[0], x_T / here.grid.alpha[0], here.eps(0, x_T)

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        return self._step(here, i, i + 1, s)

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        return self._step(here, i + 1, i, s)

    def _step(self, here: Here, i: int, j: int, s: Pass) -> Pass:
        y, hat, f = s
        h = here.grid.rho[j] - here.grid.rho[i]
        hat = 2 * y - hat + h * f
        g = here.eps(j, here.grid.alpha[j] * hat)
        return y + h / 2 * (f + g), hat, g

    def image(self, here: Here, s: Pass) -> Tensor:
        return s[0] * here.grid.alpha[-1]

    def start(self, here: Here, s: Pass) -> Tensor:
        return s[0] * here.grid.alpha[0]


@dataclass(frozen=True)
class Coupled:
    """adjointdeis/gradients/reversible.py, in either family."""

    c: float
    family: str = "data"
    first: int = 0
    spare: int = 1

    def _m(self, here: Here, i: int, x: Tensor) -> Tensor:
        eps = here.eps(i, x)
        return eps if self.family == "noise" else (x - here.grid.sigma[i] * eps) / here.grid.alpha[i]

    def _row(self, here: Here, i: int) -> tuple[float, float]:
        (a_s, a_t), (s_s, s_t) = here.grid.alpha[i : i + 2], here.grid.sigma[i : i + 2]
        return (a_t / a_s, s_t - a_t * s_s / a_s) if self.family == "noise" else (s_t / s_s, a_t - s_t * a_s / s_s)

    def begin(self, here: Here, x_T: Tensor) -> Pass:
        return x_T, x_T

    def forth(self, here: Here, i: int, s: Pass) -> Pass:
        A, B = self._row(here, i)
        x = A * (self.c * s[0] + (1 - self.c) * s[1]) + B * self._m(here, i, s[1])
        return x, A * s[1] + B * self._m(here, i + 1, x)

    def back(self, here: Here, i: int, s: Pass) -> Pass:
        A, B = self._row(here, i)
        u = (s[1] - B * self._m(here, i + 1, s[0])) / A
        return ((s[0] - B * self._m(here, i, u)) / A - (1 - self.c) * u) / self.c, u

    def image(self, here: Here, s: Pass) -> Tensor:
        i = here.grid.steps - 1
        A, B = self._row(here, i)
        return A * (self.c * s[0] + (1 - self.c) * s[1]) + B * self._m(here, i, s[1])

    def start(self, here: Here, s: Pass) -> Tensor:
        return s[1]


SCHEMES: dict[str, Scheme] = {
    "EDICT, p = 0.93": Edict(),
    "BDIA, gamma = 1": Bdia(),
    "BELM": Belm(),
    "reversible Heun": Heun(),
    "coupling 0.97, noise": Coupled(0.97, "noise"),
    "coupling 1, data": Coupled(1.0),
    "coupling 0.97, data": Coupled(0.97),
    "coupling 0.9, data": Coupled(0.9),
}


def there(scheme: Scheme, here: Here, x_T: Tensor) -> Pass:
    """The last state that can be undone from."""
    s = scheme.begin(here, x_T)
    for i in range(scheme.first, here.grid.steps - scheme.spare):
        s = scheme.forth(here, i, s)
    return s


def and_back(scheme: Scheme, here: Here, s: Pass) -> Tensor:
    """x_T, if nothing was lost."""
    for i in reversed(range(scheme.first, here.grid.steps - scheme.spare)):
        s = scheme.back(here, i, s)
    return scheme.start(here, s)


def gradient(scheme: Scheme, here: Here, given: Problem) -> Tensor:
    """dL/dx_T and dL/dz in one vector, by states that are computed again on the way back."""
    z = here.z.clone().requires_grad_()
    free = Here(here.grid, here.net, z, here.own)
    with torch.no_grad():
        s = there(scheme, here, given.x_T)

    def pull(function: Any, state: Pass, g: Pass) -> tuple[Pass, Tensor]:
        leaves = [v.detach().requires_grad_() for v in state]
        with torch.enable_grad():
            made = function(leaves)
        found = torch.autograd.grad(made, [*leaves, z], g, allow_unused=True, materialize_grads=True)
        return tuple(found[:-1]), found[-1]

    g, g_z = pull(lambda v: [given.loss_fn(scheme.image(free, tuple(v))).sum()], s, (torch.ones((), dtype=s[0].dtype),))
    for i in reversed(range(scheme.first, here.grid.steps - scheme.spare)):
        with torch.no_grad():
            s = scheme.back(here, i, s)
        g, share = pull(lambda v, i=i: list(scheme.forth(free, i, tuple(v))), s, g)
        g_z = g_z + share
    (g_x,), share = pull(lambda v: list(scheme.begin(free, v[0])), (given.x_T,), g)
    return torch.cat([g_x.flatten(), (g_z + share).flatten()])


def by_autograd(scheme: Scheme, here: Here, given: Problem) -> Tensor:
    """The same with every state kept."""
    x, z = given.x_T.clone().requires_grad_(), here.z.clone().requires_grad_()
    free = Here(here.grid, here.net, z, here.own)
    loss = given.loss_fn(scheme.image(free, there(scheme, free, x))).sum()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, [x, z])])


def measure(scheme: Scheme, given: Problem, grid: Grid, flow: Tensor) -> tuple[float, ...]:
    """Error of the image; of the way back, three times; of the gradient with a float32 network, and in float64."""
    assert isinstance(given.model, Mixture)
    single, double = given.model.to(torch.float32), given.model
    wide, mixed, narrow = (
        Here(grid, net, given.z, own)
        for net, own in ((double, torch.float64), (single, torch.float32), (single, torch.float32))
    )
    errors = []
    with torch.no_grad():
        errors.append(relative_error(scheme.image(wide, there(scheme, wide, given.x_T)), flow))
        for here, dtype in ((narrow, torch.float32), (mixed, torch.float64), (wide, torch.float64)):
            x_T = given.x_T.to(dtype)
            errors.append(relative_error(and_back(scheme, here, there(scheme, here, x_T)).double(), x_T.double()))
    for here in (mixed, wide):
        errors.append(relative_error(gradient(scheme, here, given), by_autograd(scheme, here, given)))
    return tuple(errors)


def tables(worlds: Sequence[str], schemes: Sequence[str], steps: Sequence[int]) -> Iterator[str]:
    """The lines of docs/reversible.md."""
    yield "# Reversible samplers"
    yield ""
    yield "Measured by `python -m benchmarks.reversible`, which says how; relative errors. `Reversible` is the coupling"
    yield "on the data family, with its pair in float64. `single` is float32 throughout, `mixed` a network in float32"
    yield "with the state in float64, `double` float64 throughout."
    for world in worlds:
        network, grid = WORLDS[world]
        given = problem(network, batch=8)
        truth = OffTheShelf("dopri8", rtol=1e-10, atol=1e-10, time=LinearVP().time)
        *_, flow = truth.sample(network, Sampler.from_grid(grid(10)), given.x_T, given.z)
        yield from ("", f"## {world[0].upper()}{world[1:]}", "")
        yield "| scheme | N | calls | image | way back, single | mixed | double | gradient, mixed | double |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for name in schemes:
            for n in steps:
                cells = " | ".join(f"{e:.0e}" for e in measure(SCHEMES[name], given, grid(n), flow.detach()))
                yield f"| {name} | {n} | {calls(SCHEMES[name], n)} | {cells} |"
    yield ""


def calls(scheme: Scheme, steps: int) -> int:
    """Network calls on the way there."""
    seen = 0

    class Counted(Here):
        def eps(self, i: int, x: Tensor) -> Tensor:
            nonlocal seen
            seen += 1
            return super().eps(i, x)

    given = problem(mixture(), batch=1)
    here = Counted(in_lambda(steps), mixture(), given.z, torch.float64)
    scheme.image(here, there(scheme, here, given.x_T))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--out", type=Path, default=DOCS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    for line in tables(list(WORLDS), list(SCHEMES), options.steps):
        print(line, flush=True)
        lines.append(line)
    options.out.mkdir(exist_ok=True)
    (options.out / "reversible.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
