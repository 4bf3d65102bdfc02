import gradio as gr
import pytest

from studio.core.presets import StepRange
from studio.ui.fields import suit_steps


@pytest.mark.parametrize(
    ("steps", "now", "then"), [(2, StepRange(4), 4), (20, StepRange(2, 4), 4), (20, StepRange(4), 20)]
)
def test_the_number_of_steps_follows_the_model(steps: int, now: StepRange, then: int) -> None:
    with gr.Blocks() as blocks:
        loaded, control = gr.State("embedded"), gr.Number(steps)
        suit_steps(loaded, control, lambda: now)
    (follow,) = (made for made in blocks.fns.values() if made.targets == [(loaded._id, "change")])
    assert follow.fn is not None
    assert follow.fn(steps) == then
    assert follow.fn(None) == gr.skip()
    assert (follow.inputs, follow.outputs) == ([control], [control])
