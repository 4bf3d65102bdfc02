"""`python -m tests.hostile.table`: the results of the corpus as a table by kind."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from tests.hostile.answers import Answer, answer
from tests.hostile.corpus import Case, corpus
from tests.hostile.visitor import Visitor, serving

Found = list[tuple[Case, Answer]]


def in_functions(folder: Path) -> Found:
    """All cases against the functions that read them."""
    return [(case, answer(case, folder)) for case in corpus() if case.kind != "request"]


def over_http(folder: Path, every: int = 1) -> Found:
    """Every case, or a regular sample, against the running app."""
    with serving() as url:
        visitor = Visitor(url, folder)
        return [
            (case, visitor.ask(case)) for k, case in enumerate(corpus()) if case.kind == "request" or k % every == 0
        ]


def table(title: str, found: Found) -> str:
    """One line for each kind."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for case, said in found:
        for name in (case.kind, "all"):
            kinds[name].update([said.fate, "sent"] + ["leaks"] * said.leaks)
    lines = [
        f"| {title} | sent | refused in words | taken, harmless | broken | paths or tracebacks |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    names = sorted(kinds, key=lambda name: name == "all")
    columns = ("sent", "refused", "taken", "broken", "leaks")
    return "\n".join([*lines, *(f"| {n} | " + " | ".join(str(kinds[n][c]) for c in columns) + " |" for n in names)])


def main() -> None:
    """Print both tables; the exit status is an error if anything broke or leaked."""
    logging.disable(logging.CRITICAL)
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with tempfile.TemporaryDirectory() as name:
        tables = {"functions": in_functions(Path(name)), "running app": over_http(Path(name), every)}
    for title, found in tables.items():
        print(table(title, found), end="\n\n")
    bad = [(case, said) for found in tables.values() for case, said in found if said.fate == "broken" or said.leaks]
    print(*(f"{case}: {said}" for case, said in bad), sep="\n")
    sys.stdout.flush()
    os._exit(bool(bad))  # without waiting for the server's threads


if __name__ == "__main__":
    main()
