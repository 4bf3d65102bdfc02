"""The figures of docs/results.md, each as SVG and PNG, for light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib import pyplot as plt
from PIL import Image

from benchmarks.morphing.curves import PUBLISHED_CALLS, curve
from benchmarks.morphing.methods import Method
from benchmarks.morphing.run import picture_path
from benchmarks.morphing.tables import NETWORKS, accepts, interval, of_method
from benchmarks.records import Row

THEMES: Mapping[str, dict[str, str]] = {
    "light": {"ink": "#1f2328", "faint": "#d0d7de", "paper": "#ffffff"},
    "dark": {"ink": "#e6edf3", "faint": "#3d444d", "paper": "#0d1117"},
}
_COLOURS = (
    "#3b82c4",
    "#d9822b",
    "#4a9d6f",
    "#b0569a",
    "#8a8f98",
    "#c24b4b",
    "#7a6ad8",
    "#2aa1a8",
    "#a08a2c",
    "#5f6f52",
)

_CALLS = (10, 30, 100, 300, 1000, 3000)


@contextmanager
def _page(folder: Path, name: str, theme: str, size: tuple[float, float]) -> Iterator[tuple[Any, Any]]:
    """A figure with one pair of axes, which is saved at the end."""
    colours = THEMES[theme]
    style = {
        "axes.edgecolor": colours["faint"],
        "axes.labelcolor": colours["ink"],
        "axes.prop_cycle": cycler(color=_COLOURS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": colours["paper"],
        "axes.facecolor": colours["paper"],
        "font.size": 9,
        "grid.color": colours["faint"],
        "legend.frameon": False,
        "svg.hashsalt": "results",
        "text.color": colours["ink"],
        "xtick.color": colours["ink"],
        "ytick.color": colours["ink"],
    }
    with mpl.rc_context(style):  # type: ignore[arg-type]
        figure, axes = plt.subplots(figsize=size, layout="constrained")
        yield figure, axes
        folder.mkdir(parents=True, exist_ok=True)
        for kind, about in (("svg", {"Date": None}), ("png", {})):
            figure.savefig(folder / f"{name}-{theme}.{kind}", dpi=160, metadata=about)
        plt.close(figure)


def success_against_calls(folder: Path, rows: Sequence[Row], methods: Sequence[Method]) -> bool:
    """Draw the success at the held-out networks over network calls. False if there are no rows."""
    shown = [(method.name, list(of_method(rows, method).values())) for method in methods]
    shown = [(name, found) for name, found in shown if found]
    for theme in THEMES if shown else ():
        with _page(folder, "success-against-calls", theme, (8, 4.2)) as (_, axes):
            for name, found in shown:
                calls, success = curve(found)
                if calls == [0]:  # methods without network calls; 0 is not on a log scale
                    label, ink = f"{name} ({len(found)} pairs), no calls", THEMES[theme]["ink"]
                    axes.axhline(100 * success[0], linestyle=":", color=ink, label=label)
                elif len(calls) == 1:
                    axes.plot(calls, 100 * success[0], "o", label=f"{name} ({len(found)} pairs)")
                else:
                    axes.plot(calls, [100 * s for s in success], label=f"{name} ({len(found)} pairs)")
            axes.axvline(PUBLISHED_CALLS / 5, color=THEMES[theme]["faint"], linestyle="--")
            axes.set(
                xlabel="network calls for one morph, encoding included", ylabel="success at the held-out networks, %"
            )
            axes.set(ylim=(-2, 102), xscale="log")
            axes.set_xticks(_CALLS, [f"{calls:,}" for calls in _CALLS])
            axes.minorticks_off()
            axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return bool(shown)


def bars(folder: Path, name: str, rows: Sequence[Row], methods: Sequence[Method]) -> bool:
    """Draw the MMPMR at each network with intervals. False if there are no rows."""
    shown = [(method.name, list(of_method(rows, method).values())) for method in methods]
    shown = [(method, found) for method, found in shown if found]
    for theme in THEMES if shown else ():
        with _page(folder, name, theme, (8, 0.8 + 0.42 * len(shown))) as (_, axes):
            for k, network in enumerate(NETWORKS):
                found = [interval([float(accepts(row, network)) for row in rows_of]) for _, rows_of in shown]
                at = [i + 0.25 * (k - 1) for i in range(len(shown))]
                value = [100 * x.value for x in found]
                error = [
                    [100 * (x.value - x.low) for x in found],
                    [100 * (x.high - x.value) for x in found],
                ]
                label = f"{network} ({'in the loss' if network == 'identity' else 'held out'})"
                axes.barh(at, value, 0.22, xerr=error, label=label, ecolor=THEMES[theme]["ink"], error_kw={"lw": 0.6})
            axes.set_yticks(range(len(shown)), [f"{method} (n = {len(rows_of)})" for method, rows_of in shown])
            axes.set(xlim=(0, 100), xlabel="MMPMR in % at a false match rate of 0.1 %")
            axes.invert_yaxis()
            axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return bool(shown)


def examples(folder: Path, records: Path, rows: Sequence[Row], methods: Sequence[Method], pairs: int = 5) -> bool:
    """Draw morphs of the first pairs, one column per method. False if the images are missing."""
    found = [(method.name, of_method(rows, method)) for method in methods]
    shared = sorted(set.intersection(*[set(by_pair) for _, by_pair in found if by_pair] or [set()]))[:pairs]
    columns = [(name, [picture_path(records, by_pair[k]) for k in shared]) for name, by_pair in found if by_pair]
    if not shared or not all(path.exists() for _, paths in columns for path in paths):
        return False
    for theme in THEMES:
        with _page(folder, "morphs", theme, (1.15 * len(columns), 1.05 * len(shared) + 0.5)) as (figure, axes):
            axes.remove()
            grid = figure.subplots(len(shared), len(columns), squeeze=False)
            for j, (name, paths) in enumerate(columns):
                for i, path in enumerate(paths):
                    grid[i][j].imshow(Image.open(path))
                    grid[i][j].axis("off")
                grid[0][j].set_title(name.replace(", ", ",\n"), fontsize=6)
    return True
