import dataclasses
import re
import socket
from pathlib import Path

import pytest

from studio.models.catalogue.registry import ENTRIES
from studio.models.interface import Model, Origin
from studio.ui.about import figures
from studio.ui.about.models import about_models, model_line

ROOT = Path(__file__).resolve().parents[4]


CARDS = ("clay", "clay-128")


@pytest.mark.parametrize("name", CARDS)
def test_every_figure_is_one_of_the_models_own_card(name: str) -> None:
    card = (ROOT / "assets" / name / "README.md").read_text(encoding="utf-8")
    shown = figures.figures(name)
    assert "###" in shown
    assert f"`assets/{name}/README.md`" in shown
    assert ("After a stroke" in shown) == (name == "clay-128")
    rows = [line for line in shown.splitlines() if line.startswith("|") and "---" not in line]
    assert rows
    assert all(row in card for row in rows)


@pytest.mark.parametrize("name", CARDS)
def test_every_table_has_a_header_with_words(name: str) -> None:
    lines = figures.figures(name).splitlines()
    headers = [lines[i - 1] for i, line in enumerate(lines) if line.startswith("|---")]
    assert headers
    assert all(header.replace("|", "").strip() for header in headers)


def test_hashes_are_left_to_the_card() -> None:
    assert all("safetensors" not in figures.figures(name) for name in CARDS)


def test_without_a_card_a_sentence() -> None:
    assert all("has no model card" in figures.figures(name) for name in ("", "nowhere"))


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        pytest.fail("asked the network")

    monkeypatch.setattr(socket, "create_connection", asked)
    monkeypatch.setattr(socket, "getaddrinfo", asked)


@pytest.mark.usefixtures("silent")
def test_every_model_of_the_registry_is_there_with_its_licence_state_and_command(model: Model) -> None:
    shown = about_models(model)
    rows = {line.split("**")[1]: line for line in shown.splitlines() if line.startswith("- **")}
    assert list(rows) == [entry.title for entry in ENTRIES.values()]
    for entry in ENTRIES.values():
        assert entry.licence in rows[entry.title]
        assert re.search("Ready: |Downloadable: |Blocked: ", rows[entry.title])
        if entry.repo:
            assert f"`python app.py --model {entry.name}`" in rows[entry.title]
    assert "`python app.py`" in rows["Clay faces"]
    assert "`python app.py --model embedded`" in rows["Clay faces at 64 pixels"]
    assert "Ready: ships with the studio." in rows["Clay faces"]


@pytest.mark.usefixtures("silent")
def test_strangers_do_not_read_what_is_on_the_computer(model: Model) -> None:
    shown = about_models(model, public=True)
    assert not re.search("ready|downloadable|blocked", shown.lower())
    assert all(entry.licence in shown for entry in ENTRIES.values())


def test_the_model_at_work_is_said_with_licence_and_z(model: Model) -> None:
    origin = Origin("CC <0>", "a code", "somebody/a-model", "c0" * 20)
    there = dataclasses.replace(model, name="A | B <i>", origin=origin)
    assert model_line(there) == "Model: **A &#124; B &lt;i&gt;** (CC &lt;0&gt;)."
    shown = about_models(there)
    assert "- z: a code" in shown
    assert f"- Source: somebody/a-model, commit {'c0' * 20}" in shown
    assert f"- SHA-256 of the weights: {model.digest}" in shown


def test_the_citation_is_that_of_the_project() -> None:
    cff = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    (title,) = re.findall(r'title: "(.*)"', cff)
    assert title in figures.PAPER
    assert title == re.sub(r"[{}]", "", re.findall(r"title +=(.*),", figures.CITE)[0]).strip()
    assert "2405.15020" in figures.CITE
