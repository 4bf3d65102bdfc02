import pytest
import torch

from losses import ClipEncoder
from studio.models.interface import Model
from studio.runs.goals.alternatives import NEUTRAL, alternatives
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
