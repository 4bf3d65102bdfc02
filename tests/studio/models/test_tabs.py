"""The other two tabs on real models' twins: a morph needs a z of each face, a comparison needs nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from studio.compare_run import compare
from studio.messages import UserError
from studio.models.judges import Judges
from studio.models.load import load
from studio.models.place import Placement
from studio.morph_run import Morphed, morph
from studio.request import Request
from studio.stops import Flag

pytestmark = pytest.mark.slow
HERE = Placement(torch.device("cpu"))
QUICK = {"sampling_steps": 4, "optimisation_steps": 2, "closeness": 0.0}


def test_two_faces_of_a_diffusion_autoencoder_meet(
    twin: Callable[[str], Path], judges: Judges, face: Path, flag: Flag
) -> None:
    model = load(str(twin("diffae-ffhq")), placement=HERE, judges=judges)
    *_, found = morph(model, Request.checked({**QUICK, "loss": "morph"}, face, face, model.size), flag)
    assert isinstance(found, Morphed)
    assert found.outcome.round_trip.exact
    assert len(found.outcome.curve) == 3


def test_a_model_without_z_morphs_nobody(twin: Callable[[str], Path], judges: Judges, face: Path, flag: Flag) -> None:
    model = load(str(twin("ldm-celebahq")), placement=HERE, judges=judges)
    with pytest.raises(UserError, match="A morph needs a model with a code z"):
        list(morph(model, Request.checked({**QUICK, "loss": "morph"}, face, face, model.size), flag))


def test_methods_are_compared_on_a_latent_model(
    twin: Callable[[str], Path], judges: Judges, face: Path, flag: Flag
) -> None:
    model = load(str(twin("ldm-celebahq")), placement=HERE, judges=judges)
    request = Request.checked({**QUICK, "prompt": "red"}, face, None, model.size)
    *_, found = compare(model, request, ["discrete", "unrolled"], flag)
    assert [column.trouble for column in found.columns] == ["", ""]
    exact, plain = (column.curve[-1].total for column in found.columns)
    assert exact == pytest.approx(plain, abs=1e-4)
