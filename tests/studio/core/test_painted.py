import base64

import pytest

from studio.core.errors import UserError
from studio.core.painted import LENGTH, SIDE, cells, text_of
from studio.core.settings import parse


def grid(*on: int) -> list[bool]:
    return [i in on for i in range(SIDE * SIDE)]


@pytest.mark.parametrize("on", [(0,), (1, 8, 1023), tuple(range(0, 1024, 3))])
def test_cells_survive_as_text(on: tuple[int, ...]) -> None:
    text = text_of(grid(*on))
    assert len(text) == LENGTH
    assert cells(text) == grid(*on)


def test_the_first_cell_is_the_highest_bit_of_the_first_byte() -> None:
    assert base64.urlsafe_b64decode(text_of(grid(0)) + "=")[0] == 128


def test_nothing_painted_is_an_empty_text() -> None:
    assert text_of(grid()) == ""
    assert cells("") == grid()


@pytest.mark.parametrize("text", ["AAAA", "ä" * LENGTH, "A" * (LENGTH + 1), "A" * 300, "=", "\x00" * LENGTH])
def test_settings_refuse_a_text_that_is_no_grid(text: str) -> None:
    with pytest.raises(UserError, match="Painted area: give the 171 characters that the page writes, or none"):
        parse({"painted": text})
