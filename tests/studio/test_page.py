import warnings
from pathlib import Path

import gradio as gr
import pytest

from studio.model import Model
from studio.page import page
from studio.page_theme import CSS
from studio.shared import Studio


@pytest.fixture
def blocks(model: Model, face: Path) -> gr.Blocks:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return page(Studio(model), [face])


def test_nothing_on_the_page_is_a_public_endpoint(blocks: gr.Blocks) -> None:
    assert blocks.get_api_info()["named_endpoints"] == {}


def test_no_event_cancels_another(blocks: gr.Blocks) -> None:
    # cancelling gives the queue's slot away while the solver still holds the device
    assert not any(event["cancels"] for event in blocks.config["dependencies"])


def test_the_style_sheet_is_there() -> None:
    assert CSS.is_file()
