import dataclasses
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from studio.models.interface import Model
from studio.runs.measures.held_out import LOOSE, STRICT, HeldOutPanel, Verdict


class Network(nn.Module):
    """The mean colour of an image: a face that is half one colour and half another is like both."""

    thresholds: ClassVar = {STRICT: 0.9, LOOSE: 0.6}

    def forward(self, image: Tensor) -> Tensor:
        return (image + 1).mean(dim=(2, 3))


def colour(*levels: float) -> Tensor:
    return torch.tensor(levels, dtype=torch.float32).view(1, 3, 1, 1).expand(1, 3, 16, 16)


RED, GREEN = colour(1, -1, -1), colour(-1, 1, -1)


@pytest.fixture
def panel(model: Model) -> HeldOutPanel:
    return HeldOutPanel(
        dataclasses.replace(model, identity=Network(), held_out={"convolutional": Network()}), RED, GREEN
    )


def test_each_person_is_like_themselves_and_unlike_the_other(panel: HeldOutPanel) -> None:
    for verdict in panel.verdicts(RED):
        assert verdict.first == pytest.approx(1)
        assert verdict.second == pytest.approx(0, abs=1e-6)
        assert (verdict.answer(verdict.first), verdict.answer(verdict.second)) == ("accepted", "rejected")
        assert not verdict.fooled


def test_a_mixture_is_between_both(panel: HeldOutPanel) -> None:
    (_, convolutional) = panel.verdicts(colour(0, 0, -1))
    assert convolutional.first == convolutional.second == pytest.approx(0.5**0.5)
    assert convolutional.answer(convolutional.first) == "borderline"


def test_only_the_embedder_of_the_loss_is_marked_as_such(panel: HeldOutPanel) -> None:
    assert [(verdict.name, verdict.in_loss) for verdict in panel.verdicts(RED)] == [
        ("identity", True),
        ("convolutional", False),
    ]


def test_both_bars_have_to_pass() -> None:
    assert Verdict("convolutional", False, 0.9, 0.9, strict=0.9, loose=0.6).fooled
    assert not Verdict("convolutional", False, 0.9, 0.89, strict=0.9, loose=0.6).fooled


def test_an_embedder_without_thresholds_has_no_say(model: Model) -> None:
    blind = dataclasses.replace(model, identity=lambda image: image.flatten(1), held_out={})
    assert HeldOutPanel(blind, RED, GREEN).verdicts(RED) == ()
