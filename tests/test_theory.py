"""docs/theory.md: what it names exists, and what it measured is measured again."""

import importlib
import re
from pathlib import Path

import pytest

from benchmarks.adjoints import coarser_grid, of_sde, same_grid, world

ROOT = Path(__file__).resolve().parent.parent
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")


def rows(name):
    """The cells of the table below a comment."""
    table = THEORY.split(f"<!-- table: {name} -->")[1].strip().split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]


EQUATIONS = rows("equations")


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda cells: cells[0])
def test_every_equation_has_its_code_and_its_test(equation):
    _, _, code, tests = equation
    for name in re.findall(r"`([\w.]+)`", code):
        *modules, attribute = name.split(".")
        package = [] if modules[0] == "losses" else ["adjointdeis"]
        assert hasattr(importlib.import_module(".".join([*package, *modules])), attribute), name
    assert re.findall(r"`([\w.]+)`", tests)
    for name in re.findall(r"`([\w.]+)`", tests):
        file, test = name.split(".")
        paths = (ROOT / "tests").rglob(f"{file}.py")
        assert any(f"\ndef {test}(" in path.read_text(encoding="utf-8") for path in paths), name


def test_the_papers_own_equations_are_all_there():
    named = " ".join(cells[0] for cells in EQUATIONS)
    for number in ("2.14", "2.15", "2.2", "3.1", "3.3 to 3.5", "3.6", "3.7", "5.1"):
        assert number in named


def numbers(cell):
    return [float(number) for number in re.split(r"[/;]", cell)]


def agree(written, measured):
    """The same words, and numbers that agree but for rounding on another machine."""
    names = [i for i, cell in enumerate(written) if not re.match(r"-?\d", cell)]
    assert [written[i] for i in names] == [measured[i] for i in names]
    for i in set(range(len(written))) - set(names):
        assert numbers(written[i]) == pytest.approx(numbers(measured[i]), rel=0.02, abs=2e-3), (written, measured)


@pytest.mark.parametrize("betas", ["linear", "scaled_linear"])
@pytest.mark.slow
def test_the_figures_at_twenty_steps_are_those_measured(betas):
    written = [row for row in rows("same grid") if row[:2] == [betas, "20"]]
    assert len(written) == 4
    for pair in zip(written, same_grid(betas, 20, world()), strict=True):
        agree(*pair)


def test_the_figures_of_coarser_adjoints_are_those_measured():
    written = [row for row in rows("coarser") if row[:2] == ["linear", "40 / 10"]]
    assert len(written) == 3
    for pair in zip(written, coarser_grid("linear", 40, 10, world()), strict=True):
        agree(*pair)


def test_the_figures_of_the_sde_are_those_measured():
    written = [row for row in rows("sde") if row[1] == "20"]
    assert len(written) == 2
    for pair in zip(written, of_sde("linear", 20, world()), strict=True):
        agree(*pair)
