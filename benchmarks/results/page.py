"""Every table and figure of docs/results.md, from the rows that the benchmarks left: `python -m benchmarks.results`.

Runs no network. Rows made with other weights than those that ship, or with settings that are no longer a method's, are
left out; the page says how many there were.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks import guidance
from benchmarks import result_figures as figures
from benchmarks.morphing.__main__ import FOLDER, weights
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
from benchmarks.records import ROOT, Records, Row, commit
from benchmarks.morphing.tables import JUDGES, calls_of, experiment_methods, interval, of_method, success, table

PAGE = ROOT / "docs" / "results.md"
_FEW = 30  # pairs, or faces

_ABOUT = {
    "methods": (
        "Table 1: the methods",
        "All start from the same encodings where their encodings are the same. The published ones make 50 updates of "
        "plain gradient descent at rate .1 for x_T and z, N = M = 20, encoded in 250 steps. The paper counts the "
        "encoding of one face (2,250 calls); here both faces are counted. It has one row for the ODE, whatever the "
        "order.",
    ),
    "efficiency": (
        "How far a fifth of the network calls goes",
        "Each has at most 450 network calls, everything included, a fifth of the published 2,250.",
    ),
    "coarse": (
        "Table 4: fewer steps in the adjoint than in the sampler",
        "M steps of the adjoint for N = 20 of the sampler. The coarse exact gradient takes its Jacobians at the "
        "noisier ends of the same steps.",
    ),
    "rates": ("Table 6: the learning rate", "Plain gradient descent with one rate for x_T and z."),
    "paths": (
        "Table 5: stored states, or states solved again",
        "The published adjoint can keep the sampler's states, or solve for them backwards, which adds an error.",
    ),
    "steps": ("Appendix F.3: ODE and SDE, N = 20 and 50", "All else as in table 1."),
}

_WISHES: dict[guidance.Wish, str] = {
    "text": "Text guidance: the whole sampler against single steps",
    "picture": "Picture guidance: another face to look like, confirmed by the share of its attributes that are read",
}


def sections(rows: Sequence[Row], edits: Sequence[Row], records: Path, pictures: Path, old: int) -> Iterator[str]:
    """The page, part by part."""
    yield (
        "# Results\n\nWritten by `python -m benchmarks.results` from the rows that `python -m benchmarks.morphing` and "
        "`python -m benchmarks.guidance` leave; anyone can run them on a laptop, and the tables say how many pairs are "
        "behind each figure.\n\nThe people are rendered and new to every network; so are the judges to every loss. "
        "Pairs are look-alikes by the network in the loss, as in the paper's data, each pictured as in a passport. A "
        "morph succeeds at a network that takes it for both people on *other* pictures of them, at a false match rate "
        "of 0.1 % (MMPMR, AdjointDEIS eq. 5.2). In brackets: 95 % bootstrap intervals over pairs. The paper's figures "
        "are of photographs and other networks: compare orders, not heights. `strangeness` and `noisiness` say how "
        "good a face it still is, 1 being that of real pictures (benchmarks/morphing/judges.py). Seconds are medians, "
        "of a CPU thread; those marked with † of a GPU shared with another process, 100 or 200 pairs at once. Some "
        "rows, most of N = 50 and of the edits among them, are of a busy machine, and their seconds hold its waiting."
    )
    if claims := list(checked(rows))[2:]:
        yield "## What holds\n\nPaired bootstrap over the pairs that both methods have.\n\n" + "\n".join(checked(rows))
        yield from _counted(claims, len(of_method(rows, every_method()[ODE])))
    for name, methods in EXPERIMENTS.items():
        lines = list(table(rows, experiment_methods(name)))
        if len(lines) == 2:
            continue
        title, about = _ABOUT[name]
        yield f"## {title}\n\n{about}\n\n" + "\n".join(lines)
        if name == "methods":
            yield _against_sources(rows, experiment_methods(name))
        if name == "efficiency":
            yield from _efficiency(rows, methods, pictures)
        elif figures.bars(pictures, name, rows, experiment_methods(name)):
            yield _picture(name, f"MMPMR of the methods in the table: {title}")
    named = every_method()
    shown = [named[name] for name in (CONTROL, AVERAGE, DIM, PIPE, GREEDY, ODE, EXACT, OURS)]
    if figures.examples(pictures, records, rows, shown):
        yield "## Morphs\n\nThe first pairs, a row each.\n\n" + _picture("morphs", "Morphs of the first pairs")
    for wish, about in _WISHES.items():
        if not (found := guidance.asked_by(edits, wish)):
            continue
        yield (
            f"## {about}\n\nEvery method has 400 network calls for a face, the encoding included, and the same loss. "
            "The rivals are run at three strengths and have the best one's row.\n\n" + "\n".join(guidance.table(found))
        )
        if (faces := len({row["face"] for row in found})) < _FEW:
            yield f"**A trial, no result**: {faces} faces so far. The same command goes on from there."
    yield "## How it was made\n\n" + "\n".join(_made(rows, edits, old))


def _counted(claims: Sequence[str], pairs: int) -> Iterator[str]:
    held = sum("| holds |" in line for line in claims)
    turned = sum("other way round" in line for line in claims)
    yield (
        f"Of {len(claims)} claims {held} hold at 95 % confidence, {turned} turn out the other way round, and "
        f"{len(claims) - held - turned} stay open with this many pairs."
    )
    if pairs < _FEW:
        yield (
            f"**A trial, no result**: the published method has {pairs} pairs so far, and a bootstrap over so few is "
            "too sure of itself. The same commands go on from the rows in docs/results."
        )


def _against_sources(rows: Sequence[Row], methods: Sequence[Method]) -> str:
    """MMPMR of both unseen judges against the very pictures that the morphs were made of."""
    shares = []
    for method in methods:
        if found := list(of_method(rows, method).values()):
            fooled = np.mean([min(row["source_margins"][judge]) > 0 for row in found for judge in JUDGES])
            shares.append(f"{method.name} {100 * fooled:.0f}")
    return f"Judged against the very pictures they were made of, the unseen judges' mean in %: {', '.join(shares)}."


def _efficiency(rows: Sequence[Row], methods: Sequence[Method], pictures: Path) -> Iterator[str]:
    named = every_method()
    goal = list(of_method(rows, named[ODE]).values())
    if goal:
        aim = float(np.mean([success(row) for row in goal]))
        lines = [
            f"The published method fools {interval([success(row) for row in goal])} % of the unseen judges with "
            f"{np.mean([calls_of(row) for row in goal]):,.0f} calls. Calls until the same success was first reached:",
            "",
            f"| method | calls | share of {PUBLISHED_CALLS:,} |",
            "|---|---|---|",
        ]
        for method in (named[ODE], *methods):
            found = list(of_method(rows, method).values())
            if not found:
                continue
            calls = calls_to_reach(found, aim)
            said = ("never", "") if calls is None else (f"{calls:,}", f"{calls / PUBLISHED_CALLS:.0%}")
            lines.append(f"| {method.name} | {said[0]} | {said[1]} |")
        yield "\n".join(lines)
    drawn = [named[name] for name in (AVERAGE, DIM, FAST, PIPE, GREEDY, ODE, EXACT)] + list(methods)
    if figures.success_against_calls(pictures, rows, drawn):
        yield _picture("success-against-calls", "Success against network calls; the dashed line is a fifth of 2,250")


def _picture(name: str, text: str) -> str:
    """A figure that follows the reader's theme."""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="results/{name}-dark.svg">'
        f'<img src="results/{name}-light.svg" alt="{text}"></picture>'
    )


def _made(rows: Sequence[Row], edits: Sequence[Row], old: int) -> Iterator[str]:
    """What ran, on what, and for how long."""
    for kind, found in (("morphs", rows), ("edits", edits)):
        if not found:
            continue
        hours = sum(row["seconds"] + row.get("encoding_seconds", 0) for row in found) / 3600
        commands = sorted({row["made_by"]["command"] for row in found})
        yield f"- {len(found)} {kind} in {hours:.1f} hours of computing, by"
        yield from (f"    - `{command}`" for command in commands)
        for field in ("commit", "date", "torch", "machine", "threads"):
            values = sorted({str(row["made_by"][field]) for row in found})
            yield f"    - {field}: {', '.join(values)}"
        if any("--device cuda" in command for command in commands):
            yield "    - on the GPU convolutions were in TF32, torch's default there"
    yield f"- weights {weights()} (morphs), {guidance.weights()} (edits); this page: commit {commit()}"
    if old:
        yield f"- {old} rows of other weights or other settings were left out"


def write(records: Path, edits: Path, page: Path) -> None:
    """The page, and its figures in a folder of its name beside it."""
    keys, known = {method.key for method in every_method().values()}, weights()
    everything = list(Records(records))
    rows = [row for row in everything if row["weights"] == known and row["key"] in keys]
    found = [row for row in Records(edits) if row["weights"] == guidance.weights()]
    pictures = page.with_suffix("")
    page.parent.mkdir(parents=True, exist_ok=True)
    parts = sections(rows, found, records, pictures, len(everything) - len(rows))
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--morphs", type=Path, default=FOLDER, help="folder of benchmarks.morphing")
    parser.add_argument("--edits", type=Path, default=guidance.FOLDER, help="folder of benchmarks.guidance")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    write(options.morphs, options.edits, options.page)
    print(f"Wrote {options.page}.")


if __name__ == "__main__":
    main()
