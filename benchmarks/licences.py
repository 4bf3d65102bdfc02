"""Licences of the project's dependencies, from the metadata of the installed packages: `python -m benchmarks.licences`

Lists the requirements of the project and, recursively, theirs. Copyleft licences and packages that state no licence are
marked.
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
"""Extras of the demo; the others are for training, benchmarks and tests."""
_BUNDLED = """Two licences are not in the metadata. The wheels of `av` contain FFmpeg with libx264, which is under the
GPL: distributing an image with them means distributing a GPL binary. Without `av` only MP4 export is missing. The GPU
builds of torch contain NVIDIA's libraries under NVIDIA's terms."""
_COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CDDL|EUPL|GNU)|Mozilla Public|copyleft", re.IGNORECASE)
_LONG = 60


@dataclass(frozen=True)
class Package:
    """A package, its licence, and the package that requires it."""

    name: str
    version: str
    licence: str
    needed_by: str

    @property
    def flag(self) -> str:
        """Why the licence should be checked; empty if there is no reason."""
        if not self.licence:
            return "not stated"
        return "copyleft" if _COPYLEFT.search(self.licence) else ""


def licence(found: Distribution) -> str:
    """The SPDX expression if there is one, else the classifiers, else the first line of the licence field."""
    meta: Any = found.metadata
    if expression := meta.get("License-Expression"):
        return str(expression)
    marked = [text.split(" :: ")[-1] for text in meta.get_all("Classifier") or [] if text.startswith("License ::")]
    marked = [text for text in marked if text != "OSI Approved"]
    if marked:
        return " and ".join(sorted(set(marked)))
    written = str(meta.get("License") or "").strip()
    return written.splitlines()[0][:_LONG] if written else ""


def walk(texts: Iterable[str]) -> Iterator[Package]:
    """Every installed package that the requirements need, directly or not, each once, direct ones first."""
    todo = [(Requirement(text), "the project") for text in texts]
    seen: set[str] = set()
    while todo:
        requirement, by = todo.pop(0)
        name = canonicalize_name(requirement.name)
        if name in seen or not _applies(requirement, ("",)):
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # optional and not installed
        seen.add(name)
        yield Package(found.metadata["Name"], found.version, licence(found), by)
        extras = tuple(requirement.extras) or ("",)
        needs = (Requirement(text) for text in found.requires or [])
        todo += [(need, found.metadata["Name"]) for need in needs if _applies(need, extras)]


def requirements(extras: Sequence[str]) -> list[str]:
    """The requirements of the library and of some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(line for name in extras for line in project["optional-dependencies"][name])]
    return [text for text in texts if Requirement(text).name != project["name"]]


def markdown(packages: Sequence[Package]) -> str:
    """The content of docs/licences.md."""
    flagged = [one for one in packages if one.flag]
    rows = [f"| {p.name} | {p.version} | {p.licence or '?'} | {p.needed_by} | {p.flag} |" for p in packages]
    return "\n".join(
        [
            "# Licences",
            "",
            "The code, the weights of the embedded model and the example pictures are this project's own, under the "
            "[MIT licence](../LICENSE).",
            "The face networks for photographs come from other projects, under MIT, CC0 and Apache 2.0: "
            "[their card](../assets/faces/README.md).",
            "Below: the packages that the demo needs, as installed when `python -m benchmarks.licences` ran.",
            f"None of them is copied into the repository. {len(flagged)} of {len(packages)} should be checked, because "
            "their licence is copyleft or is not stated.",
            "",
            _BUNDLED,
            "",
            "| package | version | licence | required by | check |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _applies(need: Requirement, extras: Sequence[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)


def main(words: Sequence[str] | None = None) -> int:
    """Print the page, or write it to --out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", nargs="*", default=list(STUDIO), help="extras of pyproject.toml to include")
    parser.add_argument("--out", type=Path, help="Markdown file to write, such as docs/licences.md")
    given = parser.parse_args(words)
    packages = sorted(walk(requirements(given.extras)), key=lambda one: one.name.lower())
    page = markdown(packages)
    if given.out:
        given.out.write_text(page, encoding="utf-8")
    else:
        print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
