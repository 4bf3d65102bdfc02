import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.text import MAX_LENGTH, clean, text_warnings, truncated
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
def test_invisible_characters_are_removed_and_every_script_is_kept(written: str, kept: str) -> None:
    assert clean(written) == kept


@given(st.text(st.characters(codec=None), max_size=200))
@settings(max_examples=200, deadline=None)
def test_a_clean_text_stays_as_it_is_and_can_be_sent(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()


def test_a_very_long_text_is_only_converted() -> None:
    assert len(clean("\ud800é" * MAX_LENGTH)) == 2 * MAX_LENGTH


def test_a_text_within_the_context_length_is_not_truncated() -> None:
    assert truncated(tokenize, "a" * 64) is None
    assert truncated(tokenize, "") is None
    assert text_warnings(tokenize, None, [("Prompt", "a face")]) == ""


def test_the_truncated_text_is_measured_with_the_tokenizer() -> None:
    words = "a face with a very long red beard and a hat on top of it and then some more"
    assert truncated(tokenize, words) == words[:64].rstrip()  # the stub reads 64 bytes


@given(st.text("ab c", min_size=66, max_size=200).map(lambda text: " ".join(text.split())))
@settings(max_examples=50, deadline=None)
def test_the_truncated_text_is_the_shortest_prefix_with_the_same_tokens(text: str) -> None:
    part = truncated(tokenize, text)
    if part is None:
        return
    assert text.startswith(part)
    assert torch.equal(tokenize([part]), tokenize([text]))
    assert not torch.equal(tokenize([part[:-1]]), tokenize([text]))


def test_the_warning_names_the_text_and_its_last_words() -> None:
    sentence = text_warnings(tokenize, None, [("Prompt", "red " * 30), ("What the picture shows now", "a face")])
    assert sentence == "Prompt: the model uses the text only up to “… red red red”: shorten it."
    assert text_warnings(None, None, [("Prompt", "red " * 30)]) == ""


def test_unknown_words_are_named_in_order() -> None:
    def unknown(text: str) -> list[str]:
        return [word for word in text.split() if word not in ("a", "face")]

    texts = [("Prompt", "a parrot face hat"), ("What the picture shows now", "a face")]
    sentence = text_warnings(tokenize, unknown, texts)
    assert sentence == "Prompt: not in the vocabulary of the embedded CLIP: “parrot”, “hat”."
    assert text_warnings(tokenize, None, texts) == ""
