import dataclasses

import pytest
import torch
from torch import Tensor

from studio.core.errors import UserError
from studio.core.settings import parse
from studio.models.interface import Model
from studio.runs.capabilities import check_capabilities
from studio.runs.goals.objective import objective
from tests.stub import SIZE


@pytest.fixture
def start() -> Tensor:
    return torch.rand((1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(4)) * 1.6 - 0.8


def closeness_of(kind: str, model: Model, start: Tensor, image: Tensor) -> float:
    settings = parse({"prompt": "red", "closeness": 2.0, "closeness_kind": kind})
    return float(objective(settings, model, start, None).loss.terms(image)["closeness"][0])


@pytest.mark.parametrize("kind", ["pixels", "structure", "features"])
def test_closeness_is_nothing_at_the_start_and_grows(model: Model, start: Tensor, kind: str) -> None:
    noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(5))
    near, far = (closeness_of(kind, model, start, start + scale * noise) for scale in (0.05, 0.2))
    assert closeness_of(kind, model, start, start) == pytest.approx(0, abs=1e-6)
    assert 0 < near < far


def test_the_kinds_differ(model: Model, start: Tensor) -> None:
    found = {closeness_of(kind, model, start, -start) for kind in ("pixels", "structure", "features")}
    assert len(found) == 3


def test_features_need_a_clip_only_where_they_count(model: Model) -> None:
    bare = dataclasses.replace(model, clip=None)
    with pytest.raises(UserError, match="needs a CLIP model"):
        check_capabilities(bare, parse({"loss": "identity", "closeness_kind": "features"}))
    check_capabilities(bare, parse({"loss": "identity", "closeness_kind": "features", "closeness": 0}))
    check_capabilities(bare, parse({"loss": "identity", "closeness_kind": "structure"}))
