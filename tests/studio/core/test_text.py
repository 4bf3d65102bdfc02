import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.text import LONGEST, clean, cut, cut_notes
from tests.stub import tokenize


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("a face\x00 with\x07 red hair", "a face with red hair"),
        ("  a\tface\n\nwith hair ", "a face with hair"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("half a \ud83d pair", "half a pair"),
        ("e\u0301", "é"),
        ("赤い髪の顔", "赤い髪の顔"),
        ("👩\u200d🦰 नमस्ते", "👩\u200d🦰 नमस्ते"),
        ("\ufeff\u00adpaper", "paper"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
    ],
)
def test_what_nobody_sees_is_dropped_and_every_script_kept(written: str, kept: str) -> None:
    assert clean(written) == kept


@given(st.text(st.characters(codec=None), max_size=200))
@settings(max_examples=200, deadline=None)
def test_a_clean_text_stays_as_it_is_and_can_be_sent(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()


def test_a_text_of_a_book_costs_no_time() -> None:
    assert len(clean("\ud800é" * LONGEST)) == 2 * LONGEST


def test_a_text_that_fits_is_read_to_its_end() -> None:
    assert cut(tokenize, "a" * 64) is None
    assert cut(tokenize, "") is None
    assert cut_notes(tokenize, [("Prompt", "a face")]) == ""


def test_where_a_text_is_cut_is_measured_with_the_tokenizer() -> None:
    words = "a face with a very long red beard and a hat on top of it and then some more"
    assert cut(tokenize, words) == words[:64].rstrip()  # the stub reads 64 bytes


@given(st.text("ab c", min_size=66, max_size=200).map(lambda text: " ".join(text.split())))
@settings(max_examples=50, deadline=None)
def test_what_is_read_gives_the_same_tokens_and_nothing_shorter_does(text: str) -> None:
    part = cut(tokenize, text)
    if part is None:
        return
    assert text.startswith(part)
    assert torch.equal(tokenize([part]), tokenize([text]))
    assert not torch.equal(tokenize([part[:-1]]), tokenize([text]))


def test_a_person_reads_where_and_of_which_text() -> None:
    sentence = cut_notes(tokenize, [("Prompt", "red " * 30), ("Picture description", "a face")])
    assert sentence == "Prompt: the text network reads it only up to “… red red red” and drops the rest."
    assert cut_notes(None, [("Prompt", "red " * 30)]) == ""
