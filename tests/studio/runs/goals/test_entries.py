import pytest
import torch
from torch import Tensor

from losses import ClipDirectional, ClipImage, ClipText, Identity, Morph, WeightedSum
from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.settings import Settings
from studio.models.interface import Model
from studio.runs.goals.objective import objective
from studio.runs.goals.same_person import SamePerson
from tests.stub import SIZE


@pytest.fixture
def pictures() -> tuple[Tensor, Tensor]:
    noise = torch.rand((2, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(6)) * 2 - 1
    return noise[:1], noise[1:]


def losses(settings: Settings, model: Model, pictures: tuple[Tensor, Tensor]) -> dict[type, float]:
    return {type(term.loss): weight for weight, term in settings.goal.terms(settings, model, *pictures)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("clip_text", ClipText),
        ("edit", WeightedSum),
        ("clip_directional", ClipDirectional),
        ("clip_image", ClipImage),
        ("identity", WeightedSum),
        ("morph", Morph),
    ],
)
def test_each_goal_has_its_loss(model: Model, pictures: tuple[Tensor, Tensor], name: str, kind: type) -> None:
    assert losses(Settings(loss=name, prompt="red hair"), model, pictures) == {kind: 1.0}


def test_a_mix_has_the_losses_of_its_parts_with_a_weight_above_0(model: Model, pictures: tuple[Tensor, Tensor]) -> None:
    settings = Settings(loss="mix", prompt="red hair", mix_text=0, mix_direction=2, mix_person=0.3, mix_same=0.1)
    assert losses(settings, model, pictures) == {ClipDirectional: 2.0, Identity: 0.3, SamePerson: 0.1}
    assert set(GOALS["mix"].parts) <= set(Settings.model_fields)


def test_two_texts_that_mean_the_same_have_no_direction(model: Model, pictures: tuple[Tensor, Tensor]) -> None:
    settings = Settings(loss="clip_directional", prompt="a face", source_text="a face")
    with pytest.raises(UserError):
        losses(settings, model, pictures)


def test_an_unknown_goal_is_refused_and_no_morph(model: Model, pictures: tuple[Tensor, Tensor]) -> None:
    settings = Settings.model_construct(loss="joy")
    with pytest.raises(UserError, match="There is no goal 'joy': choose 'edit', 'clip_text'"):
        objective(settings, model, *pictures)
