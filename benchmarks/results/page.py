"""The text of docs/results.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.guidance import table as edits_table
from benchmarks.guidance.tasks import Goal
from benchmarks.morphing.claims import checked
from benchmarks.morphing.curves import PUBLISHED_CALLS, calls_to_reach
from benchmarks.morphing.methods import Method
from benchmarks.morphing.plan import (
    AVERAGE,
    CONTROL,
    DIM,
    EXACT,
    EXPERIMENTS,
    FAST,
    GREEDY,
    ODE,
    OURS,
    PIPE,
    every_method,
)
from benchmarks.morphing.tables import calls_of, experiment_methods, interval, of_method, success, table
from benchmarks.records import ROOT, Records, Row, commit
from benchmarks.results import figures
from clay.world import HELD_OUT

PAGE = ROOT / "docs" / "results.md"
_FEW = 30  # pairs, or faces

_ABOUT = {
    "methods": (
        "Table 1: the methods",
        "Methods with the same encoding start from the same codes. The published methods make 50 updates of gradient "
        "descent with rate .1 for x_T and z, N = M = 20, encoded in 250 steps. The paper counts the encoding of one "
        "face (2,250 calls); here both faces are counted. The paper has one row for the ODE, without the order.",
    ),
    "efficiency": (
        "Success with a fifth of the network calls",
        "Each method has at most 450 network calls in total, a fifth of the published 2,250.",
    ),
    "coarse": (
        "Table 4: fewer steps in the adjoint than in the sampler",
        "M steps of the adjoint for N = 20 steps of the sampler. The coarse exact gradient uses the Jacobians at the "
        "noisier ends of the same steps.",
    ),
    "rates": ("Table 6: the learning rate", "Gradient descent with one rate for x_T and z."),
    "paths": (
        "Table 5: stored or recomputed states",
        "The published adjoint can store the sampler's states, or recompute them backwards, which adds an error.",
    ),
    "steps": ("Appendix F.3: ODE and SDE, N = 20 and 50", "Other settings as in table 1."),
    "objective": (
        "The studio's loss beside eq. 5.1 alone",
        "The embedded model of 128 pixels. All methods but the published one make the studio's updates, with eq. 5.1 "
        "alone or with all terms of the studio's loss (studio/runs/morph.py); Quick makes 2 sampling steps, Balanced "
        "8. A run ends where its loss no longer falls.",
    ),
}

_GOALS: dict[Goal, str] = {
    "text": "Text guidance: the whole sampler against single steps",
    "picture": "Image guidance: towards another face, confirmed by the share of its attributes that are predicted",
}


def sections(
    rows: Sequence[Row], objective: Sequence[Row], edits: Sequence[Row], records: Path, pictures: Path, old: int
) -> Iterator[str]:
    """The sections of the page; also draws the figures.

    Args:
        rows: rows of morphs.
        objective: rows of morphs with the loss of the studio, and with eq. 5.1 alone.
        edits: rows of edits.
        records: folder of the morphs' rows and images.
        pictures: folder for the figures.
        old: number of rows that were left out.
    """
    yield (
        "# Results\n\nWritten by `python -m benchmarks.results` from the rows of `python -m benchmarks.morphing` and "
        "`python -m benchmarks.guidance`, which run on a laptop; the tables give the number of pairs of each value.\n\n"
        "The people are rendered, and no network was trained on them. A convolutional network and a transformer are "
        "held out: they are not in any loss. Pairs are similar for the network in the loss, as in the paper's data, in "
        "passport images. A morph succeeds at a network that accepts it as both people, compared with *other* images "
        "of them, at a false match rate of 0.1 % (MMPMR, AdjointDEIS eq. 5.2). In brackets: 95 % bootstrap intervals "
        "over pairs. The paper's values are for photographs and other networks: compare the order of methods, not the "
        "values. Feature distance and denoising error measure the quality of the face; both are 1 for real images "
        "(benchmarks/morphing/held_out.py). Seconds are medians on a CPU thread; those marked with † on a GPU shared "
        "with another process, with 100 or 200 pairs in a batch. Some rows, among them most of N = 50 and of the "
        "edits, were made on a busy machine, and their seconds include waiting."
    )
    if claims := list(checked(rows))[2:]:
        head = "## Orderings of methods\n\nPaired bootstrap over the pairs that both methods have."
        yield head + "\n\n" + "\n".join(checked(rows))
        yield from _counted(claims, len(of_method(rows, every_method()[ODE])))
    for name in EXPERIMENTS:
        yield from _experiment(name, objective if name == "objective" else rows, pictures)
    named = every_method()
    shown = [named[name] for name in (CONTROL, AVERAGE, DIM, PIPE, GREEDY, ODE, EXACT, OURS)]
    if figures.examples(pictures, records, rows, shown):
        yield "## Morphs\n\nThe first pairs, one row each.\n\n" + _picture("morphs", "Morphs of the first pairs")
    for goal, about in _GOALS.items():
        if not (found := edits_table.of_goal(edits, goal)):
            continue
        yield (
            f"## {about}\n\nEvery method has 400 network calls per face, including the encoding, and the same loss. "
            "Guidance of single steps is run at three strengths; the table shows the best one.\n\n"
            + "\n".join(edits_table.table(found))
        )
        if (faces := len({row["face"] for row in found})) < _FEW:
            yield f"**Preliminary**: {faces} faces so far. The same command continues."
    yield "## Runs\n\n" + "\n".join(_made({"morphs": rows, "morphs at 128 pixels": objective, "edits": edits}, old))


def _experiment(name: str, rows: Sequence[Row], pictures: Path) -> Iterator[str]:
    """The section of an experiment; none without rows."""
    methods = experiment_methods(name)
    lines = list(table(rows, methods))
    if len(lines) == 2:
        return
    title, about = _ABOUT[name]
    yield f"## {title}\n\n{about}\n\n" + "\n".join(lines)
    if name in ("methods", "objective"):
        yield _against_sources(rows, methods)
    if name == "efficiency":
        yield from _efficiency(rows, EXPERIMENTS[name], pictures)
    elif figures.bars(pictures, name, rows, methods):
        yield _picture(name, f"MMPMR of the methods in the table: {title}")


def _counted(claims: Sequence[str], pairs: int) -> Iterator[str]:
    held = sum("| holds |" in line for line in claims)
    reversed_ = sum("is reversed" in line for line in claims)
    yield (
        f"Of {len(claims)} orderings {held} hold at 95 % confidence, {reversed_} are reversed, and "
        f"{len(claims) - held - reversed_} are open with this number of pairs."
    )
    if pairs < _FEW:
        yield (
            f"**Preliminary**: the published method has {pairs} pairs so far, and a bootstrap over so few pairs gives "
            "intervals that are too narrow. The same commands continue from the rows in docs/results."
        )


def _against_sources(rows: Sequence[Row], methods: Sequence[Method]) -> str:
    """The mean MMPMR of the held-out networks, compared with the images that the morphs were made from."""
    shares = []
    for method in methods:
        if found := list(of_method(rows, method).values()):
            mean = np.mean([min(row["source_margins"][name]) > 0 for row in found for name in HELD_OUT])
            shares.append(f"{method.name} {100 * mean:.0f}")
    listed = ", ".join(shares)
    return f"Compared with the images they were made from, the mean MMPMR of the held-out networks in %: {listed}."


def _efficiency(rows: Sequence[Row], methods: Sequence[Method], pictures: Path) -> Iterator[str]:
    named = every_method()
    published = list(of_method(rows, named[ODE]).values())
    if published:
        aim = float(np.mean([success(row) for row in published]))
        lines = [
            f"The published method reaches {interval([success(row) for row in published])} % at the held-out networks "
            f"with {np.mean([calls_of(row) for row in published]):,.0f} calls. Calls until other methods reach this:",
            "",
            f"| method | calls | share of {PUBLISHED_CALLS:,} |",
            "|---|---|---|",
        ]
        for method in (named[ODE], *methods):
            found = list(of_method(rows, method).values())
            if not found:
                continue
            calls = calls_to_reach(found, aim)
            cells = ("never", "") if calls is None else (f"{calls:,}", f"{calls / PUBLISHED_CALLS:.0%}")
            lines.append(f"| {method.name} | {cells[0]} | {cells[1]} |")
        yield "\n".join(lines)
    drawn = [named[name] for name in (AVERAGE, DIM, FAST, PIPE, GREEDY, ODE, EXACT)] + list(methods)
    if figures.success_against_calls(pictures, rows, drawn):
        yield _picture("success-against-calls", "Success over network calls; the dashed line is a fifth of 2,250")


def _picture(name: str, text: str) -> str:
    """A figure for light and dark themes, as HTML."""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="results/{name}-dark.svg">'
        f'<img src="results/{name}-light.svg" alt="{text}"></picture>'
    )


def _made(rows: Mapping[str, Sequence[Row]], old: int) -> Iterator[str]:
    """The commands, machines and times of each kind of rows."""
    for kind, found in rows.items():
        if not found:
            continue
        hours = sum(row["seconds"] + row.get("encoding_seconds", 0) for row in found) / 3600
        commands = sorted({row["made_by"]["command"] for row in found})
        yield f"- {len(found)} {kind} in {hours:.1f} hours, by"
        yield from (f"    - `{command}`" for command in commands)
        for field in ("commit", "date", "torch", "machine", "threads"):
            values = sorted({str(row["made_by"][field]) for row in found})
            yield f"    - {field}: {', '.join(values)}"
        if any("--device cuda" in command for command in commands):
            yield "    - convolutions on the GPU in TF32, torch's default"
    used = ", ".join(f"{_weights(found)} ({kind})" for kind, found in rows.items() if found)
    yield f"- weights {used}; this page: commit {commit()}"
    if old:
        yield f"- {old} rows with other weights or settings were left out"


def _weights(rows: Sequence[Row]) -> str:
    """The weights that most rows were made with."""
    return Counter(row["weights"] for row in rows).most_common(1)[0][0] if rows else ""


def write(records: Path, objective: Path, edits: Path, page: Path) -> None:
    """Write the page, and its figures into a folder of the same name.

    Args:
        records: folder of the morphs' rows.
        objective: folder of the rows of `EXPERIMENTS["objective"]`, at 128 pixels.
        edits: folder of the edits' rows.
        page: the Markdown file.
    """
    keys = {method.key for method in every_method().values()}
    everything = [list(Records(folder)) for folder in (records, objective, edits)]
    rows, compared, found = ([row for row in some if row["weights"] == _weights(some)] for some in everything)
    rows = [row for row in rows if row["key"] in keys]
    pictures = page.with_suffix("")
    page.parent.mkdir(parents=True, exist_ok=True)
    parts = sections(rows, compared, found, records, pictures, len(everything[0]) - len(rows))
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
