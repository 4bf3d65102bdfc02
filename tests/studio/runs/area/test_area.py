from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from losses import CodeKeep
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError
from studio.core.gradients import gradient_method
from studio.core.painted import SIDE, text_of
from studio.core.settings import Settings
from studio.images.crop import Crop
from studio.images.load import load_picture, to_tensor
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.runs.area.area import Area, area_for, painted_mask, part_mask
from studio.runs.base import Run
from studio.runs.events import Outcome
from studio.runs.goals.objective import objective
from studio.runs.request import Request
from studio.runs.steer import steer

Make = Callable[..., Request]
LEFT = text_of([i % SIDE < SIDE // 2 for i in range(SIDE * SIDE)])


def halves(image: Tensor) -> Mapping[str, Tensor]:
    """The parts "left" and "nothing" of an image."""
    left = torch.zeros_like(image[:, :1])
    left[..., : image.shape[-1] // 2] = 1
    return {"left": left, "nothing": torch.zeros_like(left)}


@pytest.fixture
def parted(model: Model) -> Model:
    return replace(model, parts=halves, part_names=("left", "nothing"))


def outside(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The differences in the right half, beyond the edge, which is two pixels wide at 16 pixels."""
    return np.abs(after.astype(int) - before)[:, 10:]


def run(model: Model, request: Request, stop: CancelToken) -> Outcome:
    *_, last = steer(model, request, stop)
    assert isinstance(last, Outcome)
    return last


STRONG = {"loss": "clip_text", "closeness": 0.0, "z_rate": 0.3, "noise_rate": 0.2, "optimisation_steps": 6}


@pytest.mark.parametrize("mode", ["sde", "ode"])
@pytest.mark.parametrize("where", [{"where": "left"}, {"painted": LEFT}])
def test_pixels_outside_of_a_composited_area_are_those_of_the_start_to_the_byte(
    parted: Model, request_for: Make, cancel_token: CancelToken, where: dict[str, str], mode: str
) -> None:
    found = run(parted, request_for(**STRONG, **where, mode=mode, outside="exact"), cancel_token)
    before = np.asarray(found.before)
    for image in (found.after, *found.frames):
        assert outside(before, np.asarray(image)).max() == 0
    assert np.abs(np.asarray(found.frames[-1]).astype(int) - before)[:, :6].max() > 20
    assert found.area is not None
    assert (found.area.largest, found.area.mean, found.area.exact) == (0, 0.0, True)


def test_the_round_trip_is_measured_on_the_sample_and_not_on_the_composite(
    parted: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    lossy = run(parted, request_for(**STRONG, mode="ode", painted=LEFT, outside="exact", order=1), cancel_token)
    whole = run(parted, request_for(**STRONG, mode="ode", order=1), cancel_token)
    assert lossy.round_trip == whole.round_trip


def test_outside_of_a_kept_area_the_picture_changes_less_than_without_an_area(
    parted: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    kept = run(parted, request_for(**STRONG, where="left"), cancel_token)
    free = run(parted, request_for(**STRONG), cancel_token)
    changes = [outside(np.asarray(one.before), np.asarray(one.after)).mean() for one in (kept, free)]
    assert changes[0] < 0.2 * changes[1]
    assert kept.area is not None
    assert kept.area.mean > 0
    assert kept.area.share == pytest.approx(10 / 16)
    assert "outside the area" in kept.curve[0].terms
    assert free.area is None


def test_the_noises_outside_are_those_of_the_start_at_the_new_code(
    parted: Model, request_for: Make, cancel_token: CancelToken
) -> None:
    request = request_for(**STRONG, painted=LEFT)
    one = Run(parted, request.settings, cancel_token)
    start = one.tensor(request.start)
    loss = one.goal(start, None)

    def code(z: Tensor | None):
        states = one.encode(start, z)
        while True:
            try:
                next(states)
            except StopIteration as end:
                return end.value

    first = code(parted.encode(start))
    *_, last = one.frames(first, loss, gradient_method(request.settings))
    again = code(last.variables["z"])
    torch.testing.assert_close(last.variables["noises"][..., 10:], again.noises[..., 10:])
    assert (last.variables["noises"][..., :6] - again.noises[..., :6]).abs().max() > 1e-3


def test_a_gradient_decides_where_an_automatic_area_lies(model: Model, request_for: Make) -> None:
    def code_of_the_middle(image: Tensor) -> Tensor:
        return image[:, :, 6:10, 6:10].flatten(1)

    def decode(z: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.zeros(1, 3, 16, 16)
        mean[..., 6:10, 6:10] = z.view(1, 3, 4, 4)
        return mean, torch.full_like(mean[:, :1], 0.1)

    request = request_for(where="automatic")
    seen = replace(model, encode=code_of_the_middle, decode_code=decode)
    start = torch.rand(1, 3, 16, 16)
    area = area_for(seen, request.settings, start, objective(request.settings, seen, start, None))
    assert area is not None
    assert (area.mask[..., 7:9, 7:9] > 0).any()
    assert (area.mask[..., :3, :] == 0).all()
    pixels = area_for(model, request.settings, start, objective(request.settings, model, start, None))
    assert pixels is not None
    assert 0 < pixels.mask.mean() <= 1


def test_parts_and_painted_cells_add_up(parted: Model) -> None:
    start = torch.zeros(1, 3, 64, 64)
    right = text_of([i % SIDE >= SIDE // 2 for i in range(SIDE * SIDE)])
    settings = Settings(where="left", painted=right, prompt="a hat")
    small = Settings(prompt="a hat", where="")
    model = replace(parted, size=64)
    area = area_for(model, settings, start, objective(small, model, start[..., :16, :16], None))
    assert area is not None
    assert (area.mask > 0).all()
    assert area_for(model, small, start, None) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss", "attributes", "confined"),
    [
        ("edit", ("glasses",), True),
        ("edit", ("glasses", "beard"), True),
        ("edit", ("hat",), False),
        ("edit", ("glasses", "hat"), False),
        ("edit", (), False),
        ("clip_text", ("glasses",), False),
    ],
)
def test_an_edit_is_confined_to_the_parts_of_the_attributes_in_its_prompt(
    parted: Model, loss: str, attributes: tuple[str, ...], confined: bool
) -> None:
    parts = {"glasses": ("left", "nothing", "gone"), "beard": ("left",)}
    model = replace(parted, parts_of_attributes=parts)
    start = torch.zeros(1, 3, 16, 16)
    settings = Settings(prompt="a face with glasses", loss=loss)
    found = replace(objective(settings, model, start, None), attributes=attributes)
    area = area_for(model, settings, start, found)
    assert (area is not None) == confined
    if area is not None:
        assert torch.equal(area.mask, part_mask(halves(start), "left"))


def test_a_part_that_the_model_or_the_picture_lacks_is_refused(model: Model, parted: Model) -> None:
    start = torch.zeros(1, 3, 16, 16)
    with pytest.raises(UserError, match="finds no part “beak” in this picture; choose among left, nothing, automatic"):
        part_mask(halves(start), "beak")
    with pytest.raises(UserError, match="this picture shows no nothing; choose another part, or paint the area"):
        part_mask(halves(start), "nothing")
    with pytest.raises(UserError, match="finds no part “left” in this picture; choose among automatic"):
        area_for(model, Settings(where="left"), start, None)  # type: ignore[arg-type]


def test_a_mask_takes_the_size_of_the_latents() -> None:
    start = torch.zeros(1, 3, 64, 64)
    area = Area(painted_mask(LEFT, start), start, exact=False)
    small = area.of_state((4, 8, 8))
    assert small is not None
    assert small.shape == (1, 1, 8, 8)
    assert small[0, 0, 0].tolist() == pytest.approx([1, 1, 1, 0.925, 0.075, 0, 0, 0], abs=1e-6)
    assert area.of_state((64, 16)) is None


@pytest.mark.slow
def test_an_automatic_area_of_a_prompt_that_is_no_class_is_not_the_whole_picture() -> None:
    """Then all losses of z are about what is kept, and the goal's gradient decides."""
    clay = embedded(size=64)
    settings = Settings(loss="edit", prompt="a parrot on a tree", where="automatic")
    start = to_tensor(load_picture(examples()[0], 64, Crop()))
    found = objective(settings, clay, start, None)
    assert found.on_z
    assert all(isinstance(loss, CodeKeep) for _, loss in found.on_z)
    area = area_for(clay, settings, start, found)
    assert area is not None
    assert 0 < area.mask.mean() < 0.9
