import warnings
from pathlib import Path

import gradio as gr
import pytest

from studio.goals import GOALS
from studio.model import Model
from studio.page import page
from studio.page_inputs import start_picture, wishes
from studio.page_theme import CSS
from studio.settings import Settings
from studio.shared import Studio


@pytest.fixture
def blocks(model: Model, face: Path) -> gr.Blocks:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return page(Studio(model), [face])


def test_every_setting_has_a_field_on_the_page() -> None:
    with gr.Blocks():
        fields = wishes([]).fields
    assert set(fields) == set(Settings.model_fields) - {"version"}


def test_every_goal_is_offered() -> None:
    assert set(GOALS) == set(Settings.model_fields["loss"].annotation.__args__)


def test_nothing_on_the_page_is_a_public_endpoint(blocks: gr.Blocks) -> None:
    assert blocks.get_api_info()["named_endpoints"] == {}


def test_no_event_cancels_another(blocks: gr.Blocks) -> None:
    # cancelling gives the queue's slot away while the solver still holds the device
    assert not any(event["cancels"] for event in blocks.config["dependencies"])


def test_an_upload_reaches_the_loader_undecoded() -> None:
    with gr.Blocks():
        first = start_picture([])
    from gradio.data_classes import ImageData

    assert first.preprocess(ImageData(path="/tmp/not-a-picture.png")) == "/tmp/not-a-picture.png"
    assert first.preprocess(None) is None


def test_the_style_sheet_is_there() -> None:
    assert CSS.is_file()
