import re
from pathlib import Path

from studio import about

ROOT = Path(__file__).resolve().parents[2]


def test_every_figure_is_one_of_the_model_card() -> None:
    card = (ROOT / "assets" / "clay" / "README.md").read_text(encoding="utf-8")
    shown = about.figures()
    assert "###" in shown
    rows = [line for line in shown.splitlines() if line.startswith("|") and "---" not in line]
    assert rows
    assert all(row in card for row in rows)


def test_every_table_has_a_header_with_words() -> None:
    lines = about.figures().splitlines()
    headers = [lines[i - 1] for i, line in enumerate(lines) if line.startswith("|---")]
    assert headers
    assert all(header.replace("|", "").strip() for header in headers)


def test_hashes_are_left_to_the_card() -> None:
    assert "safetensors" not in about.figures()


def test_without_a_card_a_sentence(tmp_path: Path) -> None:
    assert "without a model card" in about.figures(tmp_path / "README.md")


def test_the_citation_is_that_of_the_project() -> None:
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (title,) = re.findall(r'title: "(.*)"', cff)
    assert title in about.PAPER
    assert title == re.sub(r"[{}]", "", re.findall(r"title +=(.*),", about.CITE)[0]).strip()
    assert "2405.15020" in about.CITE
