"""`Gradient`: how to differentiate. One entry a method, read by settings, runs, page, endpoints and command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from adjointdeis import ContinuousAdjoint, DiscreteAdjoint, Precomputed, Unrolled
from adjointdeis.gradients.base import GradientMethod
from adjointdeis.gradients.precomputed import Prepare
from studio.core.registry import Registry

if TYPE_CHECKING:
    from studio.core.settings import Mode, Settings

# network calls to invert one step, at most: an ODE step is solved by fixed-point iteration
CALLS_TO_ENCODE: Mapping[Mode, int] = {"sde": 1, "ode": 10}


@dataclass(frozen=True)
class Gradient:
    """How to differentiate through the sampler.

    Args:
        name: value of the setting `gradient`.
        label: on cards and beside curves.
        make: number of last sampling steps whose graph may be kept -> the method.
        dash: of its curve, an SVG stroke-dasharray; empty for a solid line. No two methods share one.
        colour, dark_colour: of its curve on a light and a dark page, CSS colours; `dark_colour` is `colour` if empty.
        keeps_graphs: of how many sampling steps the graph is kept: none, as many as the model allows, or all.
        note: its properties, behind the label in a list.
        compared: whether a comparison includes it where no methods are named.
    """

    name: str
    label: str
    make: Callable[[int], GradientMethod]
    dash: str = ""
    colour: str = "currentColor"
    dark_colour: str = ""
    keeps_graphs: Literal["none", "allowed", "all"] = "none"
    note: str = ""
    compared: bool = True

    @property
    def line(self) -> str:
        """The label with the note."""
        return f"{self.label}: {self.note}" if self.note else self.label


GRADIENTS: Registry[Gradient] = Registry("gradient method")
DEFAULT = GRADIENTS.add(
    Gradient(
        "discrete",
        "Discrete adjoint",
        lambda graphs: DiscreteAdjoint(graphs=graphs),
        keeps_graphs="allowed",
        note="exact, low memory",
    )
)
GRADIENTS.add(
    Gradient(
        "adjoint_1",
        "AdjointDEIS-1",
        lambda _: ContinuousAdjoint(order=1),
        dash="7 4",
        colour="#c2410c",
        dark_colour="#fb923c",
    )
)
GRADIENTS.add(
    Gradient(
        "adjoint_2",
        "AdjointDEIS-2M",
        lambda _: ContinuousAdjoint(order=2),
        dash="2 4",
        colour="#7c3aed",
        dark_colour="#a78bfa",
    )
)
GRADIENTS.add(
    Gradient(
        "unrolled",
        "Plain autograd",
        lambda _: Unrolled(),
        dash="12 4 2 4",
        colour="var(--slider-color)",
        keeps_graphs="all",
        note="exact, high memory",
    )
)
GRADIENTS.add(
    Gradient(
        "adjoint_1_m5",
        "AdjointDEIS-1, M\u00a0=\u00a05",
        lambda _: ContinuousAdjoint(order=1, steps=5),
        dash="7 4 2 4",
        colour="#be185d",
        dark_colour="#f472b6",
        note="5 steps of its own",
        compared=False,
    )
)
GRADIENTS.add(
    Gradient(
        "adjoint_1_resolved",
        "AdjointDEIS-1, states solved again",
        lambda _: ContinuousAdjoint(order=1, trajectory="resolved"),
        dash="4 2",
        colour="#a16207",
        dark_colour="#facc15",
        note="stores no states",
        compared=False,
    )
)


def compared_methods() -> list[str]:
    """The methods of a comparison where none are named."""
    return [one.name for one in GRADIENTS.values() if one.compared]


def gradient_method(settings: Settings, graphs: int = 0, prepare: Prepare | None = None) -> GradientMethod:
    """How to differentiate through the sampler.

    Args:
        settings: whose gradient method.
        graphs: of how many last sampling steps the graph may be kept.
        prepare: z -> what the network makes of it at every time, made once a gradient; None if it makes nothing.

    Raises:
        UserError: there is no such method; the sentence lists those that exist.
    """
    method = GRADIENTS[settings.gradient].make(graphs)
    return method if prepare is None else Precomputed(prepare, method)


def graphs_kept(gradient: str, steps: int, graphs: int) -> int:
    """Sampling steps whose graph is kept while sampling, so that the gradient need not call the network again."""
    return {"none": 0, "allowed": min(graphs, steps), "all": steps}[GRADIENTS[gradient].keeps_graphs]


def calls_to_update(gradient: str, steps: int, graphs: int) -> int:
    """Network calls of one update: one a step to sample, and one more where no graph was kept."""
    return 2 * steps - graphs_kept(gradient, steps, graphs)
