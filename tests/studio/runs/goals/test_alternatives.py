import pytest
import torch

from losses import ClipEncoder
from studio.models.interface import Model
from studio.runs.goals.alternatives import NEUTRAL, alternatives, asked_for
from tests.stub import SIZE, unpadded

GROUPS = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}
START = torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(6)) * 2 - 1


def test_a_known_prompt_stands_in_the_place_of_its_class(model: Model) -> None:
    found = alternatives("blue hair", GROUPS, ClipEncoder(model.clip, unpadded), START)
    assert (found.texts, found.index, found.group, found.known) == (GROUPS["hair"], 1, "hair", True)


def test_another_prompt_is_chosen_among_what_is_seen_and_neutral_texts(model: Model) -> None:
    found = alternatives("ZZZZ QQQQ", GROUPS, ClipEncoder(model.clip, unpadded), START)
    assert not found.known
    assert found.texts[found.index] == "ZZZZ QQQQ"
    assert set(NEUTRAL) < set(found.texts)
    assert all(len(set(found.texts) & set(texts)) == 1 for texts in GROUPS.values())
    assert found.group in GROUPS


def test_what_the_clip_does_not_see_is_no_alternative_to_another_prompt(model: Model) -> None:
    found = alternatives("ZZZZ QQQQ", GROUPS, ClipEncoder(model.clip, unpadded), START, ("hat",))
    assert not set(found.texts) & set(GROUPS["hat"])
    assert set(found.texts) & set(GROUPS["hair"])
    assert alternatives("a hat", GROUPS, ClipEncoder(model.clip, unpadded), START, ("hat",)).known


def test_an_empty_prompt_is_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="prompt is empty"):
        alternatives(" ", GROUPS, ClipEncoder(model.clip, unpadded), START)


def asked(model: Model, prompt: str) -> dict[str, tuple[str, int, bool]]:
    found = asked_for(prompt, GROUPS, ClipEncoder(model.clip, unpadded), START)
    return {text: (one.group, one.index, one.known) for text, one in found.items()}


def test_classes_of_two_attributes_are_two_goals(model: Model) -> None:
    both = {"blue hair": ("hair", 1, True), "a hat": ("hat", 0, True)}
    assert asked(model, "blue hair and a hat") == both
    assert asked(model, "a person with blue hair, a hat") == both


def test_of_two_classes_of_one_attribute_the_last_one_counts(model: Model) -> None:
    assert list(asked(model, "red hair, a hat, blue hair")) == ["a hat", "blue hair"]


def test_a_phrase_decides_where_the_whole_prompt_is_no_class(model: Model) -> None:
    assert asked(model, "a face with blue hair") == {"blue hair": ("hair", 1, True)}


def test_one_class_and_a_prompt_without_any_are_one_goal(model: Model) -> None:
    assert list(asked(model, "blue hair")) == ["blue hair"]
    assert list(asked(model, "ZZZZ QQQQ and QQQQ")) == ["ZZZZ QQQQ and QQQQ"]
    assert list(asked(model, "and")) == ["and"]


def test_beside_a_class_a_phrase_that_is_none_is_a_goal_of_its_own(model: Model) -> None:
    found = asked(model, "blue hair and ZZZZ QQQQ")
    assert list(found) == ["blue hair", "ZZZZ QQQQ"]
    assert (found["blue hair"][2], found["ZZZZ QQQQ"][2]) == (True, False)
