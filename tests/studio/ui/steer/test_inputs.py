from pathlib import Path

import gradio as gr
import pytest
from gradio.data_classes import ImageData

from studio.core.presets import PRESET_FIELDS
from studio.core.settings import Settings
from studio.export.recordings import load
from studio.models.embedded import examples
from studio.runs.measures.cost import CostModel
from studio.ui import fields as page_fields
from studio.ui.steer.inputs import COST_FIELDS, FIRST_CROP, NEED_FIELDS, SECOND_CROP, Form, start_inputs
from tests.studio.ui.steer.conftest import Components


@pytest.fixture
def form(components: Components) -> Form:
    return components.form


def test_every_setting_has_a_field_on_the_page_and_starts_at_its_default(form: Form) -> None:
    fields = form.fields
    assert set(fields) == set(Settings.model_fields) - {"version"}
    plain = Settings(prompt=fields["prompt"].value)
    assert {name: field.value for name, field in fields.items()} == plain.model_dump(exclude={"version"})


def test_an_upload_reaches_the_loader_undecoded(form: Form) -> None:
    image = form.start.image
    assert image.preprocess(ImageData(path="not-a-picture.png")) == "not-a-picture.png"
    assert image.preprocess(None) is None


def test_a_component_that_gradio_makes_anew_still_takes_what_comes(form: Form) -> None:
    image, slider = form.start.image, form.fields["crop_zoom"]
    again = type(image)(**image.constructor_args)
    assert again.preprocess(ImageData(path="not-a-picture.png")) == "not-a-picture.png"
    assert again.get_block_name() == "image"
    again = type(slider)(**slider.constructor_args)
    assert again.preprocess(5000) == 5000
    assert again.get_block_name() == "slider"
    # Gradio's own metaclass writes one for every subclass
    assert not Path(page_fields.__file__).with_suffix(".pyi").exists()


@pytest.mark.slow
def test_the_first_recorded_run_brings_the_first_picture() -> None:
    with gr.Blocks():
        start = start_inputs(examples(), load())
    assert start.image.value["orig_name"] == f"{load()[0].image}.png"
    assert [one["name"] for one in start.recorded.value] == [one.name for one in load()]


def test_groups_of_fields_are_fields() -> None:
    for name in (*COST_FIELDS, *FIRST_CROP, *SECOND_CROP, *NEED_FIELDS, *PRESET_FIELDS):
        assert name in Settings.model_fields


def test_the_cost_of_a_run_depends_on_no_other_field() -> None:
    dearest = {"mode": "ode", "sampling_steps": 9, "optimisation_steps": 3, "gradient": "unrolled"}
    assert dearest.keys() <= set(COST_FIELDS)
    costs = {
        CostModel().cost(Settings(**dearest, seed=seed, loss=loss), 9).calls
        for seed, loss in [(1, "mix"), (2, "morph")]
    }
    assert len(costs) == 1
