"""`python -m benchmarks.licences`: what this project stands on, and on whose terms, read from the installed packages.

Walks from the project's own requirements to everything that they bring along. A licence that asks for more than to be
named (copyleft) is flagged, and so is one that a package does not state.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
STUDIO = ("studio",)
"""Extras of the demo; the others are for training, comparing and testing."""
_BUNDLED = """Two things that no metadata says. The wheels of `av` hold FFmpeg with libx264, which is under the GPL:
whoever passes on an image that contains them passes on a GPL binary, with its duties; without `av` only MP4 films are
missing. The GPU builds of torch bring NVIDIA's libraries under NVIDIA's own terms."""
_COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CDDL|EUPL|GNU)|Mozilla Public|copyleft", re.IGNORECASE)
_LONG = 60


@dataclass(frozen=True)
class Package:
    """A package, whose terms it comes under, and what brought it."""

    name: str
    version: str
    licence: str
    needed_by: str

    @property
    def flag(self) -> str:
        """Why somebody should look at it; empty where nobody has to."""
        if not self.licence:
            return "not stated"
        return "copyleft" if _COPYLEFT.search(self.licence) else ""


def licence(found: Distribution) -> str:
    """The SPDX expression if there is one, else the classifiers, else the first line of what was written."""
    meta: Any = found.metadata
    if expression := meta.get("License-Expression"):
        return str(expression)
    marked = [text.split(" :: ")[-1] for text in meta.get_all("Classifier") or [] if text.startswith("License ::")]
    marked = [text for text in marked if text != "OSI Approved"]
    if marked:
        return " and ".join(sorted(set(marked)))
    written = str(meta.get("License") or "").strip()
    return written.splitlines()[0][:_LONG] if written else ""


def walk(wanted: Iterable[str]) -> Iterator[Package]:
    """Every installed package that these requirements lead to, each once, nearest first."""
    todo = [(Requirement(text), "the project") for text in wanted]
    seen: set[str] = set()
    while todo:
        asked, by = todo.pop(0)
        name = canonicalize_name(asked.name)
        if name in seen or not _applies(asked, ("",)):
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # optional, and not here
        seen.add(name)
        yield Package(found.metadata["Name"], found.version, licence(found), by)
        extras = tuple(asked.extras) or ("",)
        needs = (Requirement(text) for text in found.requires or [])
        todo += [(need, found.metadata["Name"]) for need in needs if _applies(need, extras)]


def requirements(extras: Sequence[str]) -> list[str]:
    """Those of the library and of some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(line for name in extras for line in project["optional-dependencies"][name])]
    return [text for text in texts if Requirement(text).name != project["name"]]


def markdown(packages: Sequence[Package]) -> str:
    """The page that is kept."""
    flagged = [one for one in packages if one.flag]
    rows = [f"| {p.name} | {p.version} | {p.licence or '?'} | {p.needed_by} | {p.flag} |" for p in packages]
    return "\n".join(
        [
            "# Licences",
            "",
            "The code, the weights of the embedded model and the example pictures are this project's own, under the "
            "[MIT licence](../LICENSE).",
            "Below: every package that the demo runs on, as `python -m benchmarks.licences` found them installed. None "
            "of them is copied into",
            f"the repository; {len(flagged)} of {len(packages)} deserve a look, because their licence is copyleft or "
            "is not stated.",
            "",
            _BUNDLED,
            "",
            "| package | version | licence | needed by | look |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _applies(need: Requirement, extras: Sequence[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)


def main(words: Sequence[str] | None = None) -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", nargs="*", default=list(STUDIO), help="extras of pyproject.toml to look at")
    parser.add_argument("--out", type=Path, help="Markdown file to write, as docs/licences.md")
    given = parser.parse_args(words)
    packages = sorted(walk(requirements(given.extras)), key=lambda one: one.name.lower())
    said = markdown(packages)
    if given.out:
        given.out.write_text(said, encoding="utf-8")
    else:
        print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
