"""What the page handlers while a run is set up, without a browser."""

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from studio.core.cancellation import CancelToken
from studio.core.paper import PAPER
from studio.core.settings import Settings
from studio.images.crop import Crop
from studio.images.load import load_picture
from studio.models.embedded import embedded, examples
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.runs.request import Request
from studio.runs.steer import steer
from studio.ui.steer import responses
from studio.ui.steer.faces import FoundFaces
from studio.ui.steer.responses import InputHandlers
from tests.studio.ui.steer.conftest import Components


@pytest.fixture
def handlers(components: Components, model: Model) -> InputHandlers:
    return InputHandlers(Studio(model), components.form, components.outputs)


CLIENT: Any = SimpleNamespace(session_hash="me")


def shown(value: dict[str, str]) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(value["image"].split(",")[1])))


def test_an_upload_is_shown_exactly_as_the_model_will_see_it(handlers: InputHandlers, face: Path) -> None:
    crop = Crop(2.0, 0.5, -0.5, 10.0)
    seen = handlers.look(CLIENT, None, str(face), *crop)
    assert shown(seen[handlers.outputs.live]).tobytes() == load_picture(face, 16, crop).tobytes()
    assert seen[handlers.outputs.message] == ""
    assert seen[handlers.outputs.live]["image"] in handlers.preview(str(face), *crop)


def test_a_crop_that_is_still_being_typed_is_no_mistake(handlers: InputHandlers, face: Path) -> None:
    seen = handlers.look(CLIENT, None, str(face), 99.0, None, -7.0, 0.0)
    assert shown(seen[handlers.outputs.live]).tobytes() == load_picture(face, 16, Crop(8, 0, -1)).tobytes()


def test_a_bad_file_is_said_at_once_and_named_if_it_is_the_second(handlers: InputHandlers, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("a text, renamed")
    first = handlers.look(CLIENT, None, str(tmp_path / "text.png"), *Crop())
    assert "cannot be read as a picture" in first[handlers.outputs.message]
    assert handlers.preview(str(tmp_path / "text.png"), *Crop()) == handlers.preview(None, *Crop()) == ""
    second = handlers.look_at_second(str(tmp_path / "text.png"), *Crop())
    assert "Second picture: This file cannot be read" in second[handlers.outputs.message]


@pytest.mark.slow
def test_a_picture_outside_the_models_world_is_said_to_be_and_shown_as_the_model_holds_it(
    components: Components, face: Path
) -> None:
    clay = InputHandlers(Studio(embedded()), components.form, components.outputs)
    warning = clay.look(CLIENT, None, str(face), *Crop())[clay.form.start.outside]
    assert "outside the model’s training data" in warning
    assert warning.count("<img") == 2
    known = str(examples()[0])
    assert clay.look(CLIENT, None, known, *Crop())[clay.form.start.outside] == ""
    # a crop that loses the head is no longer what the model knows
    assert "outside" in clay.look(CLIENT, None, known, *Crop(4))[clay.form.start.outside]
    assert clay.look(CLIENT, None, None, *Crop())[clay.form.start.outside] == ""
    assert clay.leave_photo()[clay.form.start.outside] == ""


def test_other_models_have_no_world_to_be_outside_of(handlers: InputHandlers, face: Path) -> None:
    assert handlers.look(CLIENT, None, str(face), *Crop())[handlers.form.start.outside] == ""


def test_while_a_run_works_its_pictures_are_not_replaced(handlers: InputHandlers, face: Path) -> None:
    handlers._studio.cancel_tokens.register(handlers.outputs.job.key(CLIENT))
    assert handlers.outputs.live not in handlers.look(CLIENT, None, str(face), *Crop())


def test_a_run_that_began_and_ended_while_its_picture_was_being_read_keeps_its_result(
    handlers: InputHandlers, face: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, key = handlers._studio.cancel_tokens, handlers.outputs.job.key(CLIENT)

    def slow(*args: Any) -> Image.Image:
        tokens.register(key)
        tokens.release(key)
        return load_picture(*args)

    monkeypatch.setattr(responses, "load_picture", slow)
    assert handlers.outputs.live not in handlers.look(CLIENT, None, str(face), *Crop())
    monkeypatch.undo()
    assert handlers.outputs.live in handlers.look(CLIENT, None, str(face), *Crop())


def test_a_result_of_the_picture_stays_and_one_of_another_picture_or_crop_does_not(
    handlers: InputHandlers, face: Path
) -> None:
    result: Any = SimpleNamespace(before=load_picture(face, 16, Crop(2)))
    assert handlers.outputs.live not in handlers.look(CLIENT, result, str(face), *Crop(2))
    assert handlers.outputs.live in handlers.look(CLIENT, result, str(face), *Crop())
    assert handlers.outputs.live in handlers.look(CLIENT, result, None, *Crop(2))


@pytest.mark.parametrize(
    ("values", "visible"),
    [
        (("clip_text", 1, 0, 0, 0, 0.5), "prompt"),
        (("clip_directional", 1, 0, 0, 0, 0.5), "prompt source"),
        (("clip_image", 1, 0, 0, 0, 0.5), "second"),
        (("identity", 1, 0, 0, 0, 0.5), "second"),
        (("mix", 1, 0, 0, 0, 0.5), "mix prompt"),
        (("mix", 0, 1, 0, 2, 0), "mix prompt source second"),
        (("mix", 0, 0, 0, 0, 0), "mix"),
    ],
)
def test_each_goal_shows_what_it_needs(handlers: InputHandlers, values: tuple[Any, ...], visible: str) -> None:
    goal = handlers.form.goal
    boxes = {
        "mix": goal.mix_box,
        "prompt": goal.prompt_box,
        "source": goal.source_box,
        "second": goal.second_box,
    }
    updates = handlers.choose_goal(None, *values)
    assert {name for name, box in boxes.items() if updates[box].visible} == set(visible.split())


def test_a_missing_picture_is_said_when_the_goal_is_chosen(handlers: InputHandlers, face: Path) -> None:
    person, text = ("identity", 1, 0, 0, 0, 0.5), ("clip_text", 1, 0, 0, 0, 0.5)
    message = handlers.outputs.message
    assert "This goal needs a target face" in handlers.choose_goal(None, *person)[message]
    assert handlers.choose_goal(str(face), *person)[message] == ""
    assert handlers.choose_goal(None, *text)[message] == ""


def test_a_goal_that_needs_a_face_says_before_the_run_that_there_is_none(handlers: InputHandlers) -> None:
    found, none = FoundFaces(), FoundFaces(none=True)
    assert "none was found in the first picture" in handlers.look_for_faces("identity", None, none, found)
    assert "none was found in the second picture" in handlers.look_for_faces("identity", "b.png", found, none)
    for said in (
        handlers.look_for_faces("identity", None, found, none),
        handlers.look_for_faces("clip_text", "b.png", none, none),
        handlers.look_for_faces("nothing", "b.png", none, none),
    ):
        assert said == gr.skip()


def test_another_model_keeps_the_settings_but_makes_a_number_of_steps_that_suits_it(
    components: Components, model: Model, face: Path
) -> None:
    form = components.form
    faceless = replace(model, steps=4, identity=None, missing={"identity": "none fits"})
    handlers = InputHandlers(Studio(faceless), form, components.outputs)
    named = {name: field.value for name, field in form.fields.items()}

    def adopt(**changed: Any) -> dict[Any, Any]:
        return handlers.adopt(CLIENT, str(face), None, *{**named, **changed}.values())

    assert adopt(sampling_steps=8, optimisation_steps=24)[form.fields["sampling_steps"]] == 4
    assert adopt(sampling_steps=8, optimisation_steps=24)[form.goal.preset] == "Balanced"
    assert adopt(sampling_steps=3)[form.fields["sampling_steps"]] == 4
    assert "none fits" in adopt(loss="identity")[components.outputs.message]
    assert adopt()[components.outputs.message] == ""
    assert handlers.choose_preset("Paper")[form.fields["sampling_steps"]] == 4


def test_a_preset_moves_only_what_it_names(handlers: InputHandlers) -> None:
    fields = handlers.form.fields
    assert handlers.choose_preset("Paper") == {
        fields["mode"]: "ode",
        fields["order"]: 1,
        fields["sampling_steps"]: 20,
        fields["noise_level"]: 1.0,
        fields["optimisation_steps"]: 50,
        handlers.form.goal.paper: "",
    }
    assert handlers.choose_preset(None) == {handlers.form.goal.paper: ""}


def test_a_run_of_the_paper_moves_its_fields_and_says_what_to_look_at(handlers: InputHandlers) -> None:
    run, fields = PAPER["equation-2.15"], handlers.form.fields
    updates = handlers.choose_paper(run.name)
    assert {name: updates[fields[name]] for name in run.values} == run.values
    assert run.shows in updates[handlers.outputs.message]
    assert updates[handlers.form.goal.preset] is None
    assert handlers.choose_paper("") == {handlers.outputs.message: ""}


def test_the_second_order_is_offered_where_it_is_allowed(handlers: InputHandlers) -> None:
    order = handlers.form.fields["order"]
    ode = handlers.choose_mode("ode")[order]
    assert (ode["value"], ode["interactive"]) == (1, False)
    assert handlers.choose_mode("sde")[order]["interactive"]


def test_words_out_of_the_vocabulary_are_named_while_the_prompt_is_typed(components: Components, model: Model) -> None:
    closed = replace(model, unknown_words=lambda text: [word for word in text.split() if word == "parrot"])
    handlers = InputHandlers(Studio(closed), components.form, components.outputs)
    assert "Prompt: not in the vocabulary of the embedded CLIP: “parrot”." in handlers.read("a parrot", "a face")
    assert handlers.read("a face", "a face") == ""


def test_a_run_has_a_price_in_calls_and_also_in_seconds_once_one_was_measured(
    handlers: InputHandlers, model: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    costs = ("edit", "sde", 1, 10, 0.7, 12, "discrete", "", "")
    assert "network calls" in handlers.forecast(*costs)
    assert "about" not in handlers.forecast(*costs)
    for _ in steer(model, request_for(), cancel_token, handlers._studio.cost_model):
        pass
    assert "about" in handlers.forecast(*costs)
    assert handlers.forecast("edit", "sde", 1, 1000, 0.7, 12, "discrete", "", "") == ""
    assert handlers.forecast("edit", "ode", 2, 10, 0.7, 12, "discrete", "", "") == ""


def test_seeds_are_in_range_and_the_last_one_can_be_used_again(
    handlers: InputHandlers, model: Model, request_for: Callable[..., Request], cancel_token: CancelToken
) -> None:
    assert len({handlers.roll() for _ in range(20)}) > 1
    assert all(0 <= handlers.roll() < 2**32 for _ in range(100))
    *_, outcome = steer(model, request_for(seed=77), cancel_token)
    assert handlers.last_seed(outcome) == 77


def test_a_goal_chosen_by_hand_moves_the_sliders_that_suit_it(handlers: InputHandlers) -> None:
    assert handlers.suit("identity") == [0.25, 0.2]
    assert handlers.suit("clip_text") == [0.3, 0.5]
    assert handlers.suit("edit") == [Settings().z_rate, Settings().closeness]


def test_the_attributes_to_keep_are_the_opposite_of_those_that_may_change(handlers: InputHandlers) -> None:
    every = handlers.kept("")
    assert every[-2:] == ["person", "background"]
    free = handlers.free(every[1:-1])
    assert free == f"{every[0]}, background"
    assert handlers.kept(free) == every[1:-1]
