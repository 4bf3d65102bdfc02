from importlib.metadata import distribution
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.licences import Package, licence, main, requirements, walk


class Meta(dict[str, Any]):
    """Metadata as in importlib, where a field may occur several times."""

    def get_all(self, name: str) -> list[str] | None:
        return self.get(name)


def test_every_dependency_of_the_demo_is_found_once_with_the_package_that_requires_it() -> None:
    found = list(walk(requirements(["studio"])))
    names = [one.name.lower() for one in found]
    assert {"torch", "gradio", "pillow", "starlette"} <= set(names)
    assert len(names) == len(set(names))
    assert next(one for one in found if one.name.lower() == "torch").needed_by == "the project"
    assert "pytest" not in names


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"License-Expression": "MIT", "License": "other"}, "MIT"),
        ({"Classifier": ["License :: OSI Approved :: BSD License", "Topic :: X"]}, "BSD License"),
        ({"License": "Apache 2.0\n\nthe whole text"}, "Apache 2.0"),
        ({}, ""),
    ],
)
def test_the_most_exact_statement_is_used(meta: dict[str, Any], expected: str) -> None:
    assert licence(SimpleNamespace(metadata=Meta(meta))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stated", "flag"),
    [
        ("MIT", ""),
        ("LGPL-3.0", "copyleft"),
        ("MPL-2.0 AND MIT", "copyleft"),
        ("GNU GPL v3", "copyleft"),
        ("", "not stated"),
    ],
)
def test_copyleft_and_missing_licences_are_flagged(stated: str, flag: str) -> None:
    assert Package("x", "1", stated, "y").flag == flag


def test_the_page_names_every_package(tmp_path: Path) -> None:
    main(["--out", str(tmp_path / "licences.md")])
    page = (tmp_path / "licences.md").read_text(encoding="utf-8")
    assert f"| torch | {distribution('torch').version} |" in page
    assert "libx264" in page
