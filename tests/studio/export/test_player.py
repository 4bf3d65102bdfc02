import base64
import dataclasses
import gc
import io
import json
from collections.abc import Callable

import pytest
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from studio.core.cancellation import CancelToken
from studio.export import player
from studio.export.player import comparison_view, curves, playback_view, progress_view, uri
from studio.models.interface import Model
from studio.runs.events import CurvePoint, Outcome, Progress
from studio.runs.request import Request
from studio.runs.steer import steer
from tests.stub import SIZE


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


def test_pictures_of_a_model_that_enlarges_are_sent_with_more_pixels_and_noise_as_it_is(
    outcome: Outcome, model: Model
) -> None:
    larger = dataclasses.replace(model, enlarge=lambda image: F.interpolate(image, scale_factor=4.0))
    playback = playback_view(outcome, larger)
    sides = {name: {picture(one).width for one in playback["path"][name]} for name in ("states", "estimates")}
    assert {picture(frame).width for frame in playback["frames"]} == {4 * SIZE}
    assert sides == {"states": {SIZE}, "estimates": {4 * SIZE}}
    found = comparison_view(outcome, larger)
    assert [picture(found[name]).width for name in ("before", "after", "difference")] == [4 * SIZE, 4 * SIZE, SIZE]
    for phase, side in (("encode", SIZE), ("optimise", 4 * SIZE)):
        event = Progress(phase, 1, 3, None, outcome.after, outcome.curve, 9)
        assert picture(progress_view(event, larger)["image"]).width == side
    # of another model
    other = Image.new("RGB", (SIZE // 2, SIZE // 2))
    assert picture(uri(other, larger)).size == other.size


def test_a_picture_is_enlarged_once_and_nothing_is_kept_of_it(model: Model) -> None:
    enlarged = []

    def enlarge(image: Tensor) -> Tensor:
        enlarged.append(image)
        return F.interpolate(image, scale_factor=2.0)

    larger = dataclasses.replace(model, enlarge=enlarge)
    gc.collect()
    earlier = set(player._ENLARGED)
    first, second = (Image.new("RGB", (SIZE, SIZE), colour) for colour in ("teal", "coral"))
    assert uri(first, larger) == uri(first, larger) != uri(second, larger)
    assert (len(enlarged), len(set(player._ENLARGED) - earlier)) == (2, 2)
    del first, second
    gc.collect()
    assert set(player._ENLARGED) <= earlier


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
