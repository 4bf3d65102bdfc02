import warnings
from pathlib import Path

import gradio as gr
import pytest

from studio.core.presets import suited
from studio.models.embedded import examples
from studio.models.interface import Model
from studio.queue.app_state import Stream, Studio
from studio.ui.page import page
from studio.ui.theme import CSS


@pytest.fixture(scope="module")
def blocks(model: Model) -> gr.Blocks:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return page(Studio(model), examples()[:1])


def test_only_the_endpoints_for_programs_are_public(blocks: gr.Blocks) -> None:
    endpoints = blocks.get_api_info()["named_endpoints"]
    assert set(endpoints) == {"/steer", "/morph", "/compare", "/likeness", "/find_faces", "/settings_schema"}


@pytest.mark.slow
def test_every_function_that_uses_the_device_goes_through_the_host(model: Model, face: Path) -> None:
    read, wrapped = [], []

    class Watched(Studio):
        @property
        def stream(self) -> Stream:  # type: ignore[override]
            read.append(1)
            return super().stream

    page(Watched(model), [face], lambda function: wrapped.append(function) or function)
    assert len(wrapped) == len(read) == 2  # one stream for all tabs, one for programs


@pytest.mark.parametrize(("tab", "loss"), [("", "edit"), ("compare-", "clip_text")])
def test_a_tab_opens_with_a_goal_that_it_offers_and_what_suits_it(blocks: gr.Blocks, tab: str, loss: str) -> None:
    named = {getattr(block, "elem_id", None): block for block in blocks.blocks.values()}
    goal = named[f"{tab}goal"]
    assert goal.value == loss
    assert loss in [value for _, value in goal.choices]
    assert {name: named[tab + name].value for name in suited(loss)} == suited(loss)


def test_no_event_cancels_another(blocks: gr.Blocks) -> None:
    # cancelling gives the queue's slot away while the solver still holds the device
    assert not any(event["cancels"] for event in blocks.config["dependencies"])


def test_the_style_sheet_is_there() -> None:
    assert CSS.is_file()
