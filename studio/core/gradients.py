"""The gradient methods by name, and how often each calls the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Precomputed, Unrolled
from adjointdeis.gradients.base import GradientMethod
from adjointdeis.gradients.precomputed import Prepare
from studio.core.settings import GradientName, Mode, Settings

_GRADIENTS: Mapping[GradientName, Callable[[int], GradientMethod]] = {
    "discrete": lambda graphs: DiscreteAdjoint(graphs=graphs),
    "adjoint_1": lambda _: ContinuousAdjoint(order=1),
    "adjoint_2": lambda _: ContinuousAdjoint(order=2),
    "unrolled": lambda _: Unrolled(),
}

# network calls to invert one step, at most: an ODE step is solved by fixed-point iteration
CALLS_TO_ENCODE: Mapping[Mode, int] = {"sde": 1, "ode": 10}


def gradient_method(settings: Settings, graphs: int = 0, prepare: Prepare | None = None) -> GradientMethod:
    """How to differentiate through the sampler; the discrete adjoint keeps the graphs of so many last steps, and what
    the network makes of z is made once.
    """
    method = _GRADIENTS[settings.gradient](graphs)
    return method if prepare is None else Precomputed(prepare, method)


def graphs_kept(gradient: GradientName, steps: int, graphs: int) -> int:
    """Steps whose graph is kept on the way, so that the way back need not call the network again."""
    return {"unrolled": steps, "discrete": min(graphs, steps)}.get(gradient, 0)


def calls_to_update(gradient: GradientName, steps: int, graphs: int) -> int:
    """Network calls of one update: forwards, and again where the way back needs it."""
    return 2 * steps - graphs_kept(gradient, steps, graphs)
