"""Chains of edits on the Steer tab, called as Gradio calls them, without a browser."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio.core.errors import UserError
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.runs.kept_run import KeptRun
from studio.ui.steer.chain import Chain, trail
from studio.ui.steer.further import ChainHandlers, further_work
from studio.ui.steer.run import steer_work
from tests.studio.ui.steer.conftest import Components

EDIT = {"sampling_steps": 5, "optimisation_steps": 3, "z_rate": 0.2, "noise_rate": 0.1, "closeness": 0.0}


class Visitor:
    """Presses “Edit further”, and sets the strength."""

    def __init__(self, components: Components, model: Model, face: Path) -> None:
        self.form, self.out, self.studio, self.face = components.form, components.outputs, Studio(model), str(face)
        run = steer_work(self.studio.stream, self.form, self.out, lambda: model.size)
        self.work = further_work(self.studio.stream, self.form, self.out, run)
        self.chain: Chain = ()
        self.client: Any = SimpleNamespace(session_hash="me")
        self.handlers = ChainHandlers(self.studio.stream, self.out, self.studio.cancel_tokens, lambda: model.size)

    def edit(self, prompt: str, **changed: Any) -> dict[Any, Any]:
        values = {name: field.value for name, field in self.form.fields.items()} | EDIT | {"prompt": prompt} | changed
        token = self.studio.cancel_tokens.new_token()
        *_, last = self.work(token, self.chain, self.face, None, (), True, *values.values())
        self.chain = last[self.out.chain.edits]
        return last

    def strength(self, value: Any) -> dict[Any, Any]:
        *_, last = self.handlers.set_strength(self.client, value, self.chain, self.face)
        return last


@pytest.fixture
def visitor(components: Components, model: Model, face: Path) -> Visitor:
    return Visitor(components, model, face)


def test_the_first_edit_is_a_run_and_the_next_one_begins_at_its_result(visitor: Visitor) -> None:
    first = visitor.edit("red hair")
    assert first[visitor.out.chain.box].visible
    second = visitor.edit("a hat")
    before, after = (one[visitor.out.shown] for one in (first, second))
    assert after.frames[0].tobytes() == before.after.tobytes()
    assert [one.outcome.settings.prompt for one in visitor.chain] == ["red hair", "a hat"]
    assert "<li>red hair</li><li>a hat</li>" in second[visitor.out.chain.trail]


def test_undo_shows_the_edit_before_and_then_the_picture(visitor: Visitor) -> None:
    first = visitor.edit("red hair")
    visitor.edit("a hat")
    back = visitor.handlers.undo(visitor.chain, visitor.face, 1, 0, 0, 0)
    assert back[visitor.out.shown] is first[visitor.out.shown]
    assert len(back[visitor.out.chain.edits]) == 1
    start = visitor.handlers.undo(back[visitor.out.chain.edits], visitor.face, 1, 0, 0, 0)
    assert start[visitor.out.shown] is None
    assert start[visitor.out.chain.edits] == ()
    assert not start[visitor.out.chain.box].visible


def test_the_strength_changes_the_result_and_not_the_steps(visitor: Visitor) -> None:
    first = visitor.edit("red hair")[visitor.out.shown]
    moved = visitor.strength(0.5)
    half = moved[visitor.out.shown]
    assert moved[visitor.out.job.announcement].startswith("Strength 0.5: Goal ")
    assert "<b>0.5</b>; the similarities are those at 1" in moved[visitor.out.numbers]
    assert visitor.out.chain.strength not in moved
    assert half.after.tobytes() not in (first.after.tobytes(), first.before.tobytes())
    assert half.frames == first.frames
    for hostile in (7, float("nan"), "1"):
        assert "Strength: give a number from 0 to 1.5" in visitor.strength(hostile)[visitor.out.message]


def test_another_goal_is_a_run_from_the_picture(visitor: Visitor) -> None:
    visitor.edit("red hair")
    other = visitor.edit("a hat", loss="clip_text")
    assert other[visitor.out.shown].frames[0].tobytes() == other[visitor.out.shown].before.tobytes()
    assert visitor.chain == ()
    assert not other[visitor.out.chain.box].visible


def test_an_empty_prompt_and_a_run_that_is_gone_are_messages(visitor: Visitor) -> None:
    visitor.edit("red hair")
    with pytest.raises(UserError, match="The prompt is empty"):
        visitor.edit(" ")
    KeptRun.drop_all()
    gone = visitor.strength(0.5)
    assert "This run can no longer go on" in gone[visitor.out.message]


def test_a_prompt_is_escaped_in_the_list_of_edits(visitor: Visitor) -> None:
    visitor.edit("<b>red hair")
    assert "<li>&lt;b&gt;red hair</li>" in trail(visitor.chain)
