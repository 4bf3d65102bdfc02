"""Morph and Compare on tiny copies of real models: a morph needs a z of each face, a comparison does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.models.loading.load import load
from studio.models.losses import LossNetworks
from studio.models.placement.placement import Placement
from studio.runs.compare import compare
from studio.runs.morph import Morphed, morph
from studio.runs.request import Request

pytestmark = pytest.mark.slow
HERE = Placement(torch.device("cpu"))
QUICK = {"sampling_steps": 4, "optimisation_steps": 2, "closeness": 0.0}


def test_a_diffusion_autoencoder_morphs_two_faces(
    tiny_copy: Callable[[str], Path], loss_networks: LossNetworks, face: Path, cancel_token: CancelToken
) -> None:
    model = load(str(tiny_copy("diffae-ffhq")), placement=HERE, loss_networks=loss_networks)
    *_, found = morph(model, Request.checked({**QUICK, "loss": "morph"}, face, face, model.size), cancel_token)
    assert isinstance(found, Morphed)
    assert found.outcome.round_trip.exact
    assert len(found.outcome.curve) == 3


def test_a_model_without_z_refuses_to_morph(
    tiny_copy: Callable[[str], Path], loss_networks: LossNetworks, face: Path, cancel_token: CancelToken
) -> None:
    model = load(str(tiny_copy("ldm-celebahq")), placement=HERE, loss_networks=loss_networks)
    with pytest.raises(UserError, match="A morph needs a model with a code z"):
        list(morph(model, Request.checked({**QUICK, "loss": "morph"}, face, face, model.size), cancel_token))


def test_methods_are_compared_on_a_latent_model(
    tiny_copy: Callable[[str], Path], loss_networks: LossNetworks, face: Path, cancel_token: CancelToken
) -> None:
    model = load(str(tiny_copy("ldm-celebahq")), placement=HERE, loss_networks=loss_networks)
    request = Request.checked({**QUICK, "prompt": "red"}, face, None, model.size)
    *_, found = compare(model, request, ["discrete", "unrolled"], cancel_token)
    assert [column.trouble for column in found.columns] == ["", ""]
    exact, plain = (column.curve[-1].total for column in found.columns)
    assert exact == pytest.approx(plain, abs=1e-4)
