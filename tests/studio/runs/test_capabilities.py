import dataclasses
from collections.abc import Callable

import pytest

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.settings import LossName, Settings
from studio.models.interface import Model
from studio.runs.capabilities import check_capabilities, code, unavailable
from studio.runs.measures.trajectory import Trajectory
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.mark.parametrize("loss", ["clip_text", "clip_directional", "clip_image"])
def test_a_model_without_clip_refuses_what_looks_through_it(model: Model, loss: LossName) -> None:
    bare = dataclasses.replace(model, clip=None, missing={"clip": "there is no folder of it"})
    with pytest.raises(UserError, match=r"needs a CLIP model, and “stub” has none: there is no folder of it"):
        check_capabilities(bare, Settings(loss=loss))
    check_capabilities(bare, Settings(loss="identity"))


def test_a_model_without_a_face_network_refuses_faces(model: Model) -> None:
    bare = dataclasses.replace(model, identity=None)
    for settings in (Settings(loss="identity"), Settings(loss="morph"), Settings(loss="mix", mix_same=0.5)):
        with pytest.raises(UserError, match="needs a face network"):
            check_capabilities(bare, settings)
    check_capabilities(bare, Settings(loss="mix", mix_same=0.0))


def test_a_morph_needs_a_code_of_each_face(model: Model) -> None:
    with pytest.raises(UserError, match="A morph needs a model with a code z"):
        code(dataclasses.replace(model, encode=lambda image: None), None)  # type: ignore[arg-type]


def test_a_run_on_latents_shows_and_measures_decoded_pictures(
    model: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    latent = dataclasses.replace(
        model,
        latent=(3, 16, 16),
        encode_image=lambda image: 0.5 - image,
        decode=lambda state: 0.5 - state,
        preview=lambda state: state * 0,
    )
    *progress, found = steer(latent, request_for(closeness=0.0, optimisation_steps=6, z_rate=0.1), cancel_token)
    assert found.round_trip.exact
    assert found.best.total < found.curve[0].total
    assert progress[0].image.getextrema() == ((128, 128),) * 3  # the preview, on the way in
    path: Trajectory = found.path
    assert path.states[0].getextrema() == ((128, 128),) * 3
    assert found.frames[0].tobytes() == found.before.tobytes()


def test_the_goals_that_a_model_cannot_serve_are_listed_with_the_reason(model: Model) -> None:
    assert unavailable(model) == {}
    bare = dataclasses.replace(model, identity=None, missing={"identity": "none was given"})
    found = unavailable(bare)
    assert "identity" in found
    assert "clip_text" not in found
    assert "needs a face network, and “stub” has none: none was given" in found["identity"]
