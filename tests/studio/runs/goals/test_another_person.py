from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from losses import ClipKeep, CodeKeep, CodePerson, Identity, LinearHead
from studio.models.interface import Model
from studio.runs.goals.another_person import MARGIN, REACHED, another_person
from studio.runs.goals.measured_loss import of_z
from tests.stub import SIZE, unpadded

GROUPS = {"hair": ("red hair", "blue hair"), "hat": ("a hat", "a bare head")}
START, SECOND = torch.rand((2, 1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(6)) * 2 - 1
THRESHOLD = 0.6


class Accepting(torch.nn.Module):
    """A face network with the threshold of its acceptance."""

    thresholds: ClassVar = {"fmr_0.1_percent": THRESHOLD}

    def forward(self, image: Tensor) -> Tensor:
        """The first pixels."""
        return image.flatten(1)[:, :8]


class At(Identity):
    """A face at a fixed similarity to the target."""

    def __init__(self, similarity: float) -> None:
        super().__init__(Accepting(), SECOND)
        self.similarity = similarity

    def __call__(self, image: Tensor) -> Tensor:
        return image.new_full((len(image),), 1 - self.similarity)


@pytest.fixture
def whole(model: Model) -> Model:
    """A model with a threshold, heads on its code and the person in it; hair belongs to the person."""
    generator = torch.Generator().manual_seed(3)
    heads = {name: LinearHead(torch.randn(2, 12, generator=generator), torch.zeros(2)) for name in GROUPS}
    person = LinearHead(torch.randn(4, 12, generator=generator), torch.zeros(4))
    networks = {"identity": Accepting(), "heads": heads, "code_person": person}
    return replace(model, tokenizer=unpadded, groups=GROUPS, person_groups=("hair",), **networks)


def terms_of(model: Model, similarity: float, image: Tensor = START) -> dict[str, float]:
    loss, _ = another_person(At(similarity), model, START, SECOND)
    return {name: float(value[0]) for name, value in loss.terms(image).items()}  # type: ignore[attr-defined]


def test_a_face_that_is_accepted_with_a_margin_costs_nothing(whole: Model) -> None:
    assert terms_of(whole, THRESHOLD + MARGIN + 0.01)[Identity.name] == 0
    assert terms_of(whole, THRESHOLD + MARGIN - 0.01)[Identity.name] == pytest.approx(0.01, abs=1e-6)


def test_without_a_threshold_the_distance_itself_is_the_loss(whole: Model) -> None:
    without = replace(whole, identity=lambda image: image.flatten(1)[:, :8])
    assert terms_of(without, 0.9)[Identity.name] == pytest.approx(0.1, abs=1e-6)


def test_the_person_in_the_code_is_that_of_the_second_picture(whole: Model) -> None:
    assert terms_of(whole, 0.9)[CodePerson.name] > 0
    assert terms_of(whole, 0.9, SECOND)[CodePerson.name] == 0


def test_what_the_start_hides_or_the_clip_does_not_see_is_not_kept_by_it(whole: Model) -> None:
    others = set(GROUPS) - {"hair"}
    hiding = replace(whole, hidden_by=lambda classes: others)
    assert set(terms_of(hiding, 0.9)) == {Identity.name, CodePerson.name}
    assert set(terms_of(replace(whole, unseen=others), 0.9)) == {Identity.name, CodePerson.name, CodeKeep.name}


def test_what_is_not_the_persons_is_kept_in_the_image_and_in_z(whole: Model) -> None:
    terms = terms_of(whole, 0.9)
    assert set(terms) == {Identity.name, CodePerson.name, ClipKeep.name, CodeKeep.name}
    assert (terms[ClipKeep.name], terms[CodeKeep.name]) == pytest.approx((0, 0), abs=1e-5)
    _, on_z = another_person(At(0.9), whole, START, SECOND)
    assert [loss.name for _, loss in on_z] == [CodePerson.name, CodeKeep.name]
    kept = on_z[1][1]
    assert isinstance(kept, CodeKeep)
    assert set(kept.heads) == {"hat"}
    assert set(REACHED) <= {*terms, *(of_z(loss.name) for _, loss in on_z)}


def test_a_model_without_a_code_has_the_face_and_the_clip(model: Model) -> None:
    assert set(terms_of(replace(model, clip=None), 0.9)) == {Identity.name}
    assert set(terms_of(model, 0.9)) == {Identity.name, ClipKeep.name}
