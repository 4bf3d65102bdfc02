"""What the documents name exists: links, paths, modules, flags, and the rows of the table of models."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

import app
from studio.cli import main as cli
from studio.models.status import table

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(path for folder in (ROOT, ROOT / "docs", *(ROOT / "assets").iterdir()) for path in folder.glob("*.md"))
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
pages = pytest.mark.parametrize("page", TEXTS)
# what another file writes, or a caller names
PLACEHOLDER = re.compile(r"\b(?!README|CONTRIBUTING|CHANGELOG|LICENSE|CITATION)[A-Z]{3,}\b")


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(text: str, program: str) -> list[list[str]]:
    """The words behind a program's name, of every line of code that starts it."""
    lines = re.findall(rf"^(?: {{4}})?(?:\.venv/bin/)?python {re.escape(program)}( .*)?$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def test_the_readme_is_short_and_opens_with_a_moving_picture() -> None:
    lines = TEXTS["README.md"].split("---\n", 2)[2].splitlines()
    assert len(TEXTS["README.md"].splitlines()) <= 150
    assert any("docs/screens/run.webp" in line for line in lines[:8])
    for name in ("run.webp", "run-dark.webp"):
        assert (ROOT / "docs" / "screens" / name).stat().st_size <= 2_000_000


@pages
def test_every_relative_link_leads_somewhere(page: str) -> None:
    text = TEXTS[page]
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    for link in links:
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


@pages
def test_every_path_in_backticks_exists(page: str) -> None:
    for name in re.findall(r"`([\w./-]+)`", TEXTS[page]):
        is_path = "/" in name or re.search(r"\.(?:md|py|json|toml|txt)$", name)
        if not is_path or PLACEHOLDER.search(name) or name.startswith("/"):
            continue
        assert (ROOT / name).exists() or ((ROOT / page).parent / name).exists(), name


@pages
def test_every_module_that_is_started_exists(page: str) -> None:
    for name in re.findall(r"(?:python|launch[\w\s-]*) -m ([\w.]+)", TEXTS[page]):
        found = importlib.util.find_spec(name)
        assert found is not None, name
        if found.submodule_search_locations is not None:
            assert importlib.util.find_spec(f"{name}.__main__") is not None, name


@pages
def test_every_flag_of_the_programs_exists(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in commands(TEXTS[page], "app.py"):
        monkeypatch.setattr(sys, "argv", ["app.py", *words])
        app.arguments()
    for words in commands(TEXTS[page], "-m studio.cli"):
        cli._parser().parse_args(words)


def test_the_table_of_models_is_that_of_the_registry() -> None:
    """All but its last column, which is about tests."""
    page = TEXTS["docs/models.md"]
    for row in table().splitlines()[2:]:
        assert row.rsplit("|", 2)[0] in page, "replace the table by the output of python -m studio.models table"


def test_every_page_is_in_the_index() -> None:
    index = TEXTS["docs/README.md"]
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index, path.name
