from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from studio.models.interface import Model
from studio.ui.steer.area import AreaHandlers, AreaInputs, area_choices, area_inputs


def halves(image: Tensor) -> Mapping[str, Tensor]:
    left = torch.zeros_like(image[:, :1])
    left[..., :8] = 1
    return {"left": left}


@pytest.fixture(scope="module")
def inputs() -> AreaInputs:
    with gr.Blocks():
        return area_inputs([("left", "left")])


@pytest.fixture
def handlers(inputs: AreaInputs, model: Model) -> AreaHandlers:
    parted = replace(model, parts=halves, part_names=("left",))
    return AreaHandlers(inputs, lambda: parted, lambda: True)


def pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(b64decode(uri.partition(",")[2]))), dtype=float)


def test_names_become_a_setting_and_the_picture_is_dark_outside(
    handlers: AreaHandlers, inputs: AreaInputs, face: Path
) -> None:
    where = handlers.choose(["automatic", "left"])
    assert where == "automatic, left"
    whole, part = (handlers.show(str(face), names, "", 1, 0, 0, 0) for names in ("", where))
    assert [one[inputs.parts].value for one in (whole, part)] == [[], ["automatic", "left"]]
    assert [name for _, name in part[inputs.parts].choices] == ["automatic", "left"]
    before, after = (pixels(one[inputs.brush]["image"]) for one in (whole, part))
    assert (after[:, :7] == before[:, :7]).all()
    assert after[:, 11:].mean() < 0.5 * before[:, 11:].mean()


def test_what_the_prompt_names_is_offered_where_the_model_has_parts_for_it(model: Model) -> None:
    assert [name for _, name in area_choices(model)] == ["automatic"]
    clay = replace(model, parts_of_attributes={"glasses": ("left",)}, part_names=("left",))
    assert [name for _, name in area_choices(clay)] == ["prompt", "automatic", "left"]
    with gr.Blocks():
        assert area_inputs(area_choices(clay)).where.value == "prompt"


def test_a_part_that_is_unknown_or_not_found_changes_nothing_before_a_run(
    handlers: AreaHandlers, inputs: AreaInputs, face: Path
) -> None:
    whole, other = (handlers.show(str(face), names, "", 1, 0, 0, 0) for names in ("", "beak"))
    assert other[inputs.brush] == whole[inputs.brush]
    assert other[inputs.parts].value == []


def test_without_a_picture_the_brush_is_empty_and_keeps_its_cells(handlers: AreaHandlers, inputs: AreaInputs) -> None:
    assert handlers.show(None, "left", "AB", 1, 0, 0, 0)[inputs.brush] == {"image": "", "cells": "AB"}


@pytest.mark.parametrize(("cells", "text"), [("AB", "AB"), (["A"], ""), (None, "")])
def test_a_stroke_that_is_no_text_is_ignored(handlers: AreaHandlers, cells: object, text: str) -> None:
    assert handlers.paint(SimpleNamespace(cells=cells)) == text  # type: ignore[arg-type]
