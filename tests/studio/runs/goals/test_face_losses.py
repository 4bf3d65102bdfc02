"""With the real face networks in assets/faces, on pictures of 256 pixels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from losses import Identity, Morph
from losses.faces import FaceNetwork, load_face_network
from losses.faces.find import Face
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import parse
from studio.models.interface import Model
from studio.runs.goals.face_losses import CachedEmbed, both, person
from studio.runs.goals.objective import objective
from studio.runs.measures.held_out import HeldOutPanel
from studio.runs.morph import morph
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.losses.faces.pictures import as_image, clay, waves
from tests.stub import scheduler, stub

SIZE = 256
NO_FACE = as_image(waves()[:128, :128]).repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.fixture(scope="module")
def network() -> FaceNetwork:
    """The shipped networks; a picture that several tests use is searched once."""
    loaded, found = load_face_network(), {}
    search = loaded.finder.find

    def find(image: Tensor) -> list[Face]:
        key = image.numpy().tobytes()
        if key not in found:
            found[key] = search(image)
        return found[key]

    loaded.finder.find = find
    return loaded


@pytest.fixture(scope="module")
def first() -> Tensor:
    return as_image(clay("2-black-hair"))


@pytest.fixture(scope="module")
def second() -> Tensor:
    return as_image(clay("4-red-beard"))


@pytest.fixture(scope="module")
def large(network: FaceNetwork) -> Model:
    """A model of 256 pixels whose network is a convolution, beside the real face networks."""
    small = stub()
    return dataclasses.replace(small, size=SIZE, identity=network, held_out={"again": network}, scheduler=scheduler)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Tensor, str], Path]:
    def save(picture: Tensor, name: str) -> Path:
        path = tmp_path / f"{name}.png"
        Image.fromarray(((picture[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()).save(path)
        return path

    return save


def test_the_face_is_looked_for_in_the_start_and_never_again(
    network: FaceNetwork, first: Tensor, second: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = person(network, second, first)
    monkeypatch.setattr(network.finder, "find", lambda image: pytest.fail("looked again"))
    assert 0.02 < float(loss(first)) < 1
    assert torch.isfinite(loss(NO_FACE)).all()


def test_the_persons_own_picture_has_no_distance(network: FaceNetwork, first: Tensor) -> None:
    assert float(person(network, first, first)(first)) == pytest.approx(0, abs=1e-6)


def test_other_embedders_see_the_whole_picture(first: Tensor, second: Tensor) -> None:
    embed = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))
    assert torch.equal(person(embed, second, first)(first), Identity(embed, second)(first))
    assert torch.equal(both(embed, first, second, first)(first), Morph(embed, first, second)(first))


def test_a_picture_without_a_face_is_named(network: FaceNetwork, first: Tensor) -> None:
    for which, pictures in (("first", (first, NO_FACE)), ("second", (NO_FACE, first))):
        with pytest.raises(UserError, match=f"No face was found in the {which} picture: .* not about faces"):
            person(network, *pictures)
    for which, pictures in (("first", (NO_FACE, first)), ("second", (first, NO_FACE))):
        with pytest.raises(UserError, match=f"No face was found in the {which} picture"):
            both(network, *pictures)


def test_a_morph_without_a_face_is_seen_half_way_between_both(
    network: FaceNetwork, first: Tensor, second: Tensor
) -> None:
    places = network.at(torch.cat([first, second])).squares
    middle = network.at_squares([places[0].half_way(places[1])], SIZE)(NO_FACE)
    for start in (None, NO_FACE):
        seen = both(network, first, second, start).a.embed(NO_FACE)
        assert torch.allclose(seen, middle, atol=1e-5)


@pytest.mark.parametrize("values", [{"loss": "identity"}, {"loss": "mix", "mix_same": 1.0}, {"loss": "morph"}])
def test_only_goals_about_faces_need_one(large: Model, first: Tensor, values: dict[str, object]) -> None:
    with pytest.raises(UserError, match="in the first picture"):
        objective(parse({"prompt": "red", **values}), large, NO_FACE, first)


@pytest.mark.parametrize(
    "values", [{"loss": "clip_text"}, {"loss": "clip_image"}, {"loss": "mix", "mix_same": 0, "mix_picture": 1}]
)
def test_other_goals_need_none(large: Model, values: dict[str, object]) -> None:
    clip = dataclasses.replace(large, size=16)
    picture = NO_FACE[..., :16, :16]
    assert objective(parse({"prompt": "red", **values}), clip, picture, picture).similarities


def test_it_is_said_before_the_run_costs_anything(
    large: Model, first: Tensor, saved: Callable[[Tensor, str], Path], cancel_token: CancelToken
) -> None:
    def network(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        raise AssertionError("a network call")

    model = dataclasses.replace(large, network=network, encode=lambda image: pytest.fail("encoded"))
    for loss, run in (("identity", steer), ("morph", morph)):
        request = Request.checked({"loss": loss}, saved(first, "face"), saved(NO_FACE, "none"), SIZE)
        with pytest.raises(UserError, match="No face was found in the second picture"):
            list(run(model, request, cancel_token))


@pytest.mark.slow
def test_a_picture_of_256_pixels_is_steered_towards_another_person(
    large: Model, first: Tensor, second: Tensor, saved: Callable[[Tensor, str], Path], cancel_token: CancelToken
) -> None:
    values = {"loss": "identity", "sampling_steps": 4, "optimisation_steps": 3, "closeness": 0.0}
    request = Request.checked(values, saved(first, "first"), saved(second, "second"), SIZE)
    *_, outcome = steer(large, request, cancel_token)
    before, after = outcome.curve[0], outcome.best
    assert after.similarity["Match with the second face"] > before.similarity["Match with the second face"]


def test_a_panel_takes_people_for_themselves(large: Model, first: Tensor, second: Tensor) -> None:
    for verdict in HeldOutPanel(large, first, second).verdicts(first):
        assert verdict.first == pytest.approx(1, abs=1e-4)
        assert verdict.answer(verdict.first) == "accepted"
        assert verdict.second < verdict.first


def test_held_out_networks_for_photographs_measure_beside_the_loss(large: Model, first: Tensor, second: Tensor) -> None:
    goal = objective(parse({"loss": "identity"}), large, first, second)
    assert list(goal.similarities) == ["Match with the second face", "The same by “again”"]
    assert 1 - float(goal.similarities["The same by “again”"](second)[0]) > 0.95


def test_an_embedding_is_reused_for_the_same_image_and_never_with_a_gradient() -> None:
    evaluated: list[bool] = []

    def embed(image: Tensor) -> Tensor:
        evaluated.append(torch.is_grad_enabled())
        return image.flatten(1).cumsum(1)

    cached = CachedEmbed(embed)
    image, other = torch.linspace(-1, 1, 24).view(2, 1, 3, 2, 2).unbind()
    for _ in range(2):
        leaf = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(cached(leaf).sum(), leaf)
        assert torch.equal(gradient.flatten(), torch.arange(12.0, 0, -1))
    with torch.no_grad():
        reused = cached(image.clone())
        assert torch.equal(reused, embed(image))
        assert torch.equal(cached(other), embed(other))
        assert torch.equal(cached(image), embed(image))
    assert not reused.requires_grad
    # twice with a gradient; without one for the other image and the first again, beside the three expected values
    assert evaluated == [True, True, *[False] * 5]


def test_the_two_losses_of_a_morph_share_one_embedding(first: Tensor, second: Tensor) -> None:
    evaluated: list[int] = []
    embed = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 5))
    goal = both(embed, first, second)
    embed.register_forward_hook(lambda *_: evaluated.append(1))
    middle = (first + second) / 2
    total = goal(middle)
    with torch.no_grad():
        a, b = goal.a(middle), goal.b(middle)
    assert torch.allclose(total, 2 * torch.maximum(a, b))
    assert len(evaluated) == 1
