import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from adjointdeis import Frame
from losses import WeightedSum
from studio.core.cancellation import CancelToken
from studio.core.goals import GOALS
from studio.images.load import to_tensor
from studio.models.interface import Model
from studio.runs.compare import compare
from studio.runs.events import Progress
from studio.runs.goals.measured_loss import MeasuredLoss
from studio.runs.goals.objective import Objective
from studio.runs.morph import Morphing, morph
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE, stub

Make = Callable[..., Request]
IMAGE = torch.linspace(-1, 1, 3 * 8 * 8).view(1, 3, 8, 8)


class Power:
    """mean |x|^k; counts its evaluations, by whether they have a gradient."""

    def __init__(self, name: str, k: int) -> None:
        self.name, self._k, self.calls = name, k, Counter[bool]()

    def __call__(self, image: Tensor) -> Tensor:
        self.calls[torch.is_grad_enabled()] += 1
        return image.abs().pow(self._k).mean(dim=(1, 2, 3))


def frame(step: int, loss: Tensor) -> Frame:
    return Frame(step, IMAGE, loss, {}, 0, 0.0, {})


def test_a_curve_point_has_the_values_of_the_losses_and_evaluates_none_of_them_twice() -> None:
    first, second, shown = Power("first", 1), Power("second", 2), Power("shown", 3)
    loss = MeasuredLoss(Objective(WeightedSum([(2.0, first), (-0.5, second)]), {"a": second, "b": shown}))
    total = loss(IMAGE)
    point = loss.point(frame(7, total))
    assert (first.calls, second.calls, shown.calls) == ({True: 1}, {True: 1}, {False: 1})
    means = [float(IMAGE.abs().pow(k).mean()) for k in (1, 2, 3)]
    assert point.step == 7
    assert point.total == pytest.approx(2 * means[0] - 0.5 * means[1])
    assert point.terms == pytest.approx({"first": means[0], "second": means[1]})
    assert point.similarity == pytest.approx({"a": 1 - means[1], "b": 1 - means[2]})


def test_the_total_is_that_of_the_weighted_sum_bit_for_bit_and_so_is_its_gradient() -> None:
    parts = WeightedSum([(0.3, Power("first", 1)), (0.7, Power("second", 2)), (-1.1, Power("third", 3))])
    found = []
    for loss in (parts, MeasuredLoss(Objective(parts, {}))):
        image = IMAGE.clone().requires_grad_()
        total = loss(image)
        found.append((total.detach(), torch.autograd.grad(total.sum(), image)[0]))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_what_is_kept_has_no_graph() -> None:
    loss = MeasuredLoss(Objective(WeightedSum([(1.0, Power("first", 2))]), {}))
    loss(IMAGE.clone().requires_grad_())
    assert not loss.image.requires_grad
    assert all(not value.requires_grad for value in loss._terms.values())


@pytest.fixture
def counted() -> tuple[Model, Counter[str]]:
    """A latent model that counts the evaluations of its decoder and of the networks of the losses."""
    model, calls = stub(), Counter[str]()
    model.clip.image.register_forward_hook(lambda *_: calls.update(["clip"]))
    model.identity.register_forward_hook(lambda *_: calls.update(["identity"]))

    def decode(state: Tensor) -> Tensor:
        calls["decoder"] += 1
        return F.interpolate(state.tanh(), scale_factor=2, mode="nearest")

    latent = dataclasses.replace(
        model,
        latent=(3, SIZE // 2, SIZE // 2),
        encode_image=lambda image: F.avg_pool2d(image, 2),
        decode=decode,
        preview=lambda state: F.interpolate(state, scale_factor=2),
    )
    return latent, calls


MIX = {"mix_text": 1.0, "mix_direction": 0.5, "mix_picture": 0.25, "mix_person": 2.0, "mix_same": 0.125}


@pytest.mark.parametrize(
    ("settings", "networks"),
    [
        ({"loss": "clip_text"}, {"clip": 1}),
        ({"loss": "clip_image"}, {"clip": 1}),
        # goal, keep and the probability shown have one embedding
        ({"loss": "edit"}, {"clip": 1, "identity": 1}),
        # the direction with a gradient; and the match with the prompt, which is shown, without
        ({"loss": "clip_directional"}, {"clip": 2}),
        # the face network, and the CLIP for the attributes that are kept
        ({"loss": "identity"}, {"clip": 1, "identity": 1}),
        ({"loss": "morph"}, {"identity": 1}),
        ({"loss": "clip_text", "closeness_kind": "features"}, {"clip": 2}),
        # three terms and the match shown; two terms
        ({"loss": "mix", **MIX}, {"clip": 4, "identity": 2}),
    ],
)
@pytest.mark.parametrize("gradient", ["discrete", "adjoint_2", "unrolled"])
def test_an_update_decodes_once_and_evaluates_each_loss_once(
    counted: tuple[Model, Counter[str]],
    request_for: Make,
    save_picture: Callable[..., Path],
    cancel_token: CancelToken,
    settings: dict[str, object],
    networks: dict[str, int],
    gradient: str,
) -> None:
    model, calls = counted
    needed = settings["loss"] == "mix" or "second_picture" in GOALS[settings["loss"]].requires
    second = save_picture("second.png", colour="navy") if needed else None
    updates = 0
    for event in steer(model, request_for(second, gradient=gradient, **settings), cancel_token):
        if isinstance(event, Progress) and event.phase == "optimise":
            assert calls == {"decoder": 1, **networks}
            updates += 1
        calls.clear()
    assert updates == 4


def test_a_morph_evaluates_its_loss_once_an_update_and_the_verdict_once(
    counted: tuple[Model, Counter[str]], request_for: Make, save_picture: Callable[..., Path], cancel_token: CancelToken
) -> None:
    model, calls = counted
    request = request_for(save_picture("second.png", colour="navy"), loss="morph")
    for event in morph(model, request, cancel_token):
        if isinstance(event, Morphing) and event.progress.phase == "optimise" and event.progress.step:
            assert calls == {"decoder": 1, "identity": 2}
        calls.clear()


def test_a_comparison_evaluates_its_loss_once_an_update(
    counted: tuple[Model, Counter[str]], request_for: Make, cancel_token: CancelToken
) -> None:
    model, calls = counted
    for state in compare(model, request_for(loss="clip_text"), ["discrete", "adjoint_1"], cancel_token):
        if state.stage == "optimise":
            assert calls == {"decoder": 1, "clip": 1}
        calls.clear()


def test_a_step_that_is_taken_back_leaves_the_values_of_the_frame(
    model: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    def fragile(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        assert z is not None
        output: Tensor = model.network(t, x, z)
        return output * (torch.nan if float((z.detach() - z_0).abs().max()) > 0.2 else 1)

    request = request_for(loss="clip_text", z_rate=0.3, optimisation_steps=4, closeness=2.0)
    *_, free = steer(model, request, cancel_token)
    z_0 = model.encode(to_tensor(request.start))
    *_, outcome = steer(dataclasses.replace(model, network=fragile), request, cancel_token)
    assert len(outcome.curve) > 1
    assert [point.total for point in outcome.curve] != [point.total for point in free.curve][: len(outcome.curve)]
    for point in outcome.curve:
        assert point.total == pytest.approx(point.terms["text"] + 2.0 * point.terms["closeness"], rel=1e-5)
        assert point.similarity["Match with “red hair”"] == pytest.approx(1 - point.terms["text"])
