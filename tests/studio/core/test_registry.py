import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.registry import Registry

ROOT = Path(__file__).resolve().parents[3]


class Fruit(NamedTuple):
    name: str


@pytest.fixture
def fruits() -> Registry[Fruit]:
    registry: Registry[Fruit] = Registry("fruit")
    for name in ("pear", "apple", "fig"):
        registry.add(Fruit(name))
    return registry


def test_entries_are_found_by_name_and_keep_their_order(fruits: Registry[Fruit]) -> None:
    assert fruits["apple"] == Fruit("apple")
    assert list(fruits) == ["pear", "apple", "fig"]
    assert [fruit.name for fruit in fruits.values()] == list(fruits)
    assert len(fruits) == 3
    assert "fig" in fruits
    assert "plum" not in fruits
    assert ["fig"] not in fruits


def test_an_unknown_name_is_refused_with_those_that_exist(fruits: Registry[Fruit]) -> None:
    with pytest.raises(UserError, match=r"^There is no fruit 'plum': choose 'pear', 'apple' or 'fig'\.$"):
        fruits["plum"]


def test_a_name_is_taken_once(fruits: Registry[Fruit]) -> None:
    with pytest.raises(ValueError, match="there is already a fruit 'fig', choose another name"):
        fruits.add(Fruit("fig"))
    assert len(fruits) == 3


@pytest.mark.parametrize("name", ["", "Fig", "../fig", "a fig", "1fig", "fig\n", "feige\u0308"])
def test_names_fit_into_addresses_files_and_html(fruits: Registry[Fruit], name: str) -> None:
    with pytest.raises(ValueError, match="the name of a fruit has only a-z, 0-9 and _"):
        fruits.add(Fruit(name))


@pytest.mark.slow
def test_built_in_goals_come_first_even_where_a_plugin_is_all_that_is_imported() -> None:
    code = (
        "from studio.core.goals import GOALS, Goal\n"
        "GOALS.add(Goal('red', 'Red: more of it', lambda *_: None))\n"
        "print(*GOALS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == [*GOALS, "red"]
    assert {"clip_text", "morph"} < set(GOALS)
