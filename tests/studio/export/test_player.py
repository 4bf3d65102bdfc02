import base64
import io
import json
from collections.abc import Callable

import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.export.player import comparison_view, curves, playback_view, progress_view, uri
from studio.models.interface import Model
from studio.runs.events import CurvePoint, Outcome, Progress
from studio.runs.request import Request
from studio.runs.steer import steer


@pytest.fixture
def outcome(model: Model, request_for: Callable[..., Request], cancel_token: CancelToken) -> Outcome:
    *_, last = steer(model, request_for(), cancel_token)
    assert isinstance(last, Outcome)
    return last


def picture(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text.split(",")[1])))


def test_small_images_are_sent_losslessly() -> None:
    image = Image.effect_noise((64, 64), 90).convert("RGB")
    assert picture(uri(image)).tobytes() == image.tobytes()


def test_large_images_are_reduced() -> None:
    assert picture(uri(Image.new("RGB", (1024, 1024)))).size == (256, 256)


def test_the_playback_holds_every_step_and_the_trajectory(outcome: Outcome) -> None:
    value = json.loads(json.dumps(playback_view(outcome)))
    assert len(value["frames"]) == len(value["curves"]["total"]) == 4
    assert picture(value["frames"][value["best"]]).tobytes() == outcome.after.tobytes()
    assert len(value["path"]["states"]) == len(value["path"]["estimates"]) == len(value["path"]["noise"]) == 5


def test_the_progress_holds_the_image_and_the_curves_so_far() -> None:
    points = (
        CurvePoint(0, 1.0, {"text": 0.7, "closeness": 0.3}, {}),
        CurvePoint(1, 0.5, {"text": 0.4, "closeness": 0.1}, {}),
    )
    value = progress_view(Progress("optimise", 1, 3, None, Image.new("RGB", (4, 4)), points, 9))
    assert value["curves"] == {"total": [1.0, 0.5], "text": [0.7, 0.4], "closeness": [0.3, 0.1]}
    assert (value["steps"], value["caption"]) == (3, "step 1 of 3")
    encoding = progress_view(Progress("encode", 1, 5, None, Image.new("RGB", (4, 4)), (), 1))
    assert encoding["caption"] == "inverting to noise"


def test_a_single_term_is_shown_as_the_total() -> None:
    assert curves([CurvePoint(0, 1.0, {"text": 1.0}, {})]) == {"total": [1.0]}
    assert curves([]) == {"total": []}


def test_the_comparison_names_the_scale_of_the_difference(outcome: Outcome) -> None:
    value = comparison_view(outcome)
    assert picture(value["before"]).tobytes() == outcome.before.tobytes()
    assert picture(value["after"]).tobytes() == outcome.after.tobytes()
    assert value["scale"].startswith("Brightest: ")
