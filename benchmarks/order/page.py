"""docs/orders.md and docs/orders.svg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.order.curves import Curve


def as_table(images: Sequence[Curve], gradients: Sequence[tuple[Curve, Curve]]) -> str:
    """The text of docs/orders.md."""
    first, final = images[0].steps[0], images[0].steps[-1]
    lines = [
        "# Orders of convergence",
        "",
        "Measured by `python -m benchmarks.order`, whose help describes the method; plotted in",
        "[orders.svg](orders.svg). Errors are relative. Slopes are fitted to the last three N: error ~ N^-slope.",
        "",
        "## Images, by sampler",
        "",
        f"| sampler | error at N = {first} | N = {final} | slope | stated order |",
        "|---|---|---|---|---|",
        *(f"| {c.name} | {c.errors[0]:.1e} | {c.errors[-1]:.1e} | {c.slope:.2f} | {c.order:g} |" for c in images),
        "",
        "The error of an SDE sampler is the median over paths, for which all of them have order 1. UniPC-p has order",
        "p + 1 by its corrector.",
        "",
        "## Gradients, by method",
        "",
        "Compared with the gradient of the exact flow. Unrolled, DiscreteAdjoint and Reversible are exact for the",
        "sampled image at every N; their errors here are those of the sampler.",
        "",
        f"| method | x_T: N = {first} | N = {final} | slope | z: N = {first} | N = {final} | slope | stated order |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {x.name} | {x.errors[0]:.1e} | {x.errors[-1]:.1e} | {x.slope:.2f} | {z.errors[0]:.1e} | "
            f"{z.errors[-1]:.1e} | {z.slope:.2f} | {x.order:g} |"
            for x, z in gradients
        ),
        "",
        "Reversible with a coupling c below 1 has its order only for steps much shorter than 1 - c in lambda, far",
        "beyond these N; here its error falls first and then hardly changes. AdjointDEIS-2M has order 2 only with the",
        "states of a second-order sampler.",
        "",
    ]
    return "\n".join(lines)


def plot(panels: Mapping[str, Sequence[Curve]], path: Path) -> None:
    """Plot one panel for each kind of error, error over N, both logarithmic; the colour is the stated order."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams |= {"svg.hashsalt": "orders", "svg.fonttype": "none", "font.size": 8}
    colours = {1.0: "#c2571a", 2.0: "#1f6f9f", 3.0: "#4d8b31", 4.0: "#7a4fa3"}
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4.6 * len(panels), 5))
    for axis, (title, curves) in zip(axes, panels.items(), strict=True):
        for order, colour in colours.items():
            those = [curve for curve in curves if curve.order == order]
            for curve, dash in zip(those, _dashes(), strict=False):
                axis.loglog(curve.steps, curve.errors, color=colour, label=curve.name, lw=1.2, ms=3, **dash)
        axis.set(title=title, xlabel="steps N", ylabel="relative error")
        axis.set_xticks(curves[0].steps, [str(n) for n in curves[0].steps])
        axis.minorticks_off()
        axis.grid(alpha=0.25)
        axis.legend(fontsize=6, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2, frameon=False)
    figure.suptitle("stated order: 1 orange, 2 blue, 3 green, 4 violet", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def _dashes() -> Iterator[dict[str, str]]:
    for marker in "os^vD":
        yield {"ls": "-", "marker": marker}
        yield {"ls": "--", "marker": marker}
