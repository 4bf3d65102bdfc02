import pytest

from studio.runs.goals.phrases import phrases, pieces, shorter


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a face with red hair", ["a face", "red hair"]),
        ("Red hair AND glasses.", ["Red hair", "glasses"]),
        ("no hat, no glasses, smiling", ["no hat", "no glasses", "smiling"]),
        ("without a hat, glasses and beard", ["without a hat", "without glasses", "without beard"]),
        ("without glasses and red hair", ["without glasses", "red hair"]),
        ("without glasses, smiling", ["without glasses", "smiling"]),
        ("without a beard and with glasses", ["without a beard", "glasses"]),
        ("give him no beard or moustache and tears", ["give him no beard", "no moustache", "tears"]),
        ("no glasses but a hat", ["no glasses", "a hat"]),
        ("take off the hat and glasses", ["take off the hat", "without glasses"]),
        ("remove his glasses and smile", ["remove his glasses", "smile"]),
        ("remove the glasses and add a beard", ["remove the glasses", "add a beard"]),
        ("pink hair + sunglasses", ["pink hair", "sunglasses"]),
        ("sandy, withered", ["sandy", "withered"]),
        ("with", []),
        ("", []),
    ],
)
def test_a_prompt_is_split_and_a_negation_holds_for_what_is_listed(prompt: str, found: list[str]) -> None:
    assert phrases(prompt) == found


def test_a_phrase_is_split_at_words_that_may_join_two_things() -> None:
    assert pieces("hair on a green background") == ["hair", "a green background"]
    assert pieces("hair in a bun") == ["hair", "a bun"]
    assert pieces("a pointed chin") == ["a pointed chin"]


def test_words_are_left_out_fewest_first() -> None:
    assert list(shorter("long red hair")) == [
        ("long red", {0, 1}), ("long hair", {0, 2}), ("red hair", {1, 2}), ("long", {0}), ("red", {1}), ("hair", {2}),
    ]  # fmt: skip
    assert list(shorter("hair")) == list(shorter("")) == []


def test_a_negation_is_not_left_out() -> None:
    assert [text for text, _ in shorter("without long hair")] == ["without long", "without hair", "without"]
    assert all("isn't" in text for text, _ in shorter("she isn't bald"))


def test_a_long_phrase_is_not_shortened() -> None:
    assert list(shorter(" ".join(["very"] * 200 + ["long hair"]))) == []
