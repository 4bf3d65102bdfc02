"""The tables of the model card."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.steering.edit_table import changed, edits_table
from benchmarks.steering.edits import KINDS
from benchmarks.steering.evaluation import Row
from clay.people.attributes import ATTRIBUTES

CONFIRMED_BY = {
    "text": "attribute classifier",
    "expression": "attribute classifier",
    "colour": "attribute classifier",
    "several": "attribute classifier",
    "identity": "both held-out embedders at FMR 1 %",
    "morph": "all embedders, as both people, at FMR 0.1 %",
}


_MORE_ACCEPTED = {
    "accepted_before": "before steering",
    "accepted_by_others": "compared with other images of the same people",
    "accepted_by_others_before": "compared with these before steering",
}


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown, one line for each kind of run, then the details."""
    yield "| runs | loss fell | median similarity | confirmed by | largest round-trip error | seconds |"
    yield "|---|---|---|---|---|---|"
    for kind, networks in CONFIRMED_BY.items():
        chosen = [row for row in rows if row["kind"] == kind and row.get("loss", "edit") == "edit"]
        if not chosen:
            continue
        n, fell = len(chosen), sum(row["loss_after"] < row["loss_before"] for row in chosen)
        before, after = (statistics.median(row[f"similarity_{end}"] for row in chosen) for end in ("before", "after"))
        yield (
            f"| {n} {kind} | {fell} of {n} | {before:.2f} -> {after:.2f} "
            f"| {networks}: {sum(row['confirmed'] for row in chosen)} of {n}"
            f" | {max(row['round_trip_levels'] for row in chosen)} of 255 levels"
            f" | {statistics.median(row['seconds'] for row in chosen):.1f} |"
        )
    yield from details(rows)
    for kind in KINDS:
        if lines := list(edits_table(rows, kind)):
            yield from ("", *lines)


def details(rows: Sequence[Row]) -> Iterator[str]:
    """Results by prompt, side effects, and results by embedder."""
    for kind in KINDS:
        edits = [row for row in rows if row["kind"] == kind and row.get("loss", "edit") == "edit"]
        if not edits:
            continue
        counts = [len(changed(row)) for row in edits]
        prompts = {row["prompt"]: [r["confirmed"] for r in edits if r["prompt"] == row["prompt"]] for row in edits}
        listed = "; ".join(
            f"{prompt}: {sum(confirmed)} of {len(confirmed)}" for prompt, confirmed in sorted(prompts.items())
        )
        yield f"\nBy prompt, {kind}: {listed}."
        yield (
            f"\nOf the {len(ATTRIBUTES) - 1} other attributes {statistics.mean(counts):.1f} change on average, "
            f"and none in {sum(n == 0 for n in counts)} of {len(counts)} edits."
        )
    for kind in ("identity", "morph"):
        chosen = [row["accepted"] for row in rows if row["kind"] == kind]
        if chosen:
            yield f"\nAccepted, {kind}: {_counted(chosen)}."
        for key, words in _MORE_ACCEPTED.items():
            if found := [row[key] for row in rows if row["kind"] == kind and key in row]:
                yield f"\nAccepted {words}, {kind}: {_counted(found)}."


def _counted(chosen: list[dict[str, bool]]) -> str:
    by_name = ", ".join(f"{name} {sum(row[name] for row in chosen)} of {len(chosen)}" for name in chosen[0])
    return f"{by_name}, all {sum(all(row.values()) for row in chosen)} of {len(chosen)}"
