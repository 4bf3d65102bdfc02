from dataclasses import replace

import torch

from losses import ClipEncoder
from studio.models.interface import Model
from studio.runs.goals.asked_for import asked_for
from tests.stub import SIZE, unpadded

GROUPS = {"hair": ("red hair", "blue hair", "no hair"), "hat": ("a hat", "a bare head")}
START = torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(6)) * 2 - 1


def asked(model: Model, prompt: str) -> dict[str, tuple[str, int, bool]]:
    found = asked_for(prompt, replace(model, groups=GROUPS), ClipEncoder(model.clip, unpadded), START)
    return {text: (one.group, one.index, one.known) for text, one in found.items()}


def test_classes_of_two_attributes_are_two_goals(model: Model) -> None:
    both = {"blue hair": ("hair", 1, True), "a hat": ("hat", 0, True)}
    assert asked(model, "blue hair and a hat") == both
    assert asked(model, "a person with blue hair, a hat") == both


def test_of_two_classes_of_one_attribute_the_last_one_counts(model: Model) -> None:
    assert list(asked(model, "red hair, a hat, blue hair")) == ["a hat", "blue hair"]


def test_a_phrase_decides_where_the_whole_prompt_is_no_class(model: Model) -> None:
    assert asked(model, "a face with blue hair") == {"a face with blue hair": ("hair", 1, True)}


def test_one_class_and_a_prompt_without_any_are_one_goal(model: Model) -> None:
    assert list(asked(model, "blue hair")) == ["blue hair"]
    assert list(asked(model, "ZZZZ QQQQ and QQQQ")) == ["ZZZZ QQQQ and QQQQ"]
    assert list(asked(model, "and")) == ["and"]


def test_beside_a_class_a_phrase_that_is_none_is_a_goal_of_its_own(model: Model) -> None:
    found = asked(model, "a hat and green hair")
    assert list(found) == ["a hat", "green hair"]
    assert (found["a hat"][2], found["green hair"][2]) == (True, False)


def test_a_prompt_with_a_phrase_about_no_attribute_is_not_divided(model: Model) -> None:
    assert list(asked(model, "blue hair and ZZZZ QQQQ")) == ["blue hair and ZZZZ QQQQ"]
