"""`compare_tab`: one task with several gradient methods side by side, with the cost and the result of each."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.cancellation import CancelToken
from studio.core.goals import GOALS, PROMPTS, offered
from studio.core.gradients import GRADIENTS
from studio.core.settings import GradientName
from studio.queue.app_state import Stream, Studio, Task
from studio.runs.compare import Comparison, chosen_methods
from studio.runs.request import Request
from studio.ui.compare import html as compare_html
from studio.ui.compare.chart import chart
from studio.ui.controls import Control, controls
from studio.ui.events import QUICK, Updates
from studio.ui.fields import DEFAULTS, NAME_EXAMPLES, example_row, picture
from studio.ui.job import Job, follow, job_row, wire_job

_MAIN = ("mode", "variables", "sampling_steps", "optimisation_steps")
_MORE = ("noise_level", "z_rate", "noise_rate", "optimiser", "closeness", "seed")
# an ODE, where the paper's adjoint is most accurate; few steps, because four methods run
_START: dict[str, float | str] = {"mode": "ode", "sampling_steps": 10, "optimisation_steps": 6}


@dataclass(frozen=True)
class _Tab:
    """The components that a comparison reads and writes."""

    start: gr.Image
    second: gr.Image
    goal: gr.Radio
    prompt: gr.Textbox
    methods: gr.CheckboxGroup
    fields: Mapping[str, Control]
    job: Job
    cards: gr.HTML
    curve: gr.HTML


def compare_tab(studio: Studio, examples: Sequence[Path], stream: Stream) -> None:
    """The tab's content, built inside an open `gr.Tab`.

    Args:
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first.
        stream: `studio.stream`, or a wrapper around it that a host needs.
    """
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=320):
            gr.Markdown("### Task")
            start = picture("Image to change", "compare-first", examples[0] if examples else None, height=210)
            example_row(examples, start)
            goals = [(one.label, one.name) for one in offered("compare")]
            goal = gr.Radio(goals, value=DEFAULTS.loss, label="Goal", elem_id="compare-goal", elem_classes="cards")
            prompt = gr.Textbox(value=PROMPTS[0], label="Prompt", lines=1, max_length=300, elem_id="compare-prompt")
            with gr.Column(visible=False) as second_box:
                second = picture("Target face", "compare-second", None, height=190)
                example_row(list(reversed(examples)), second)
            gr.Markdown("### Gradient methods to compare")
            methods = gr.CheckboxGroup(
                [(one.label, one.name) for one in GRADIENTS.values()],
                value=list(GRADIENTS),
                label="Gradient methods",
                show_label=False,
                elem_id="compare-methods",
                elem_classes="cards",
            )
            fields = controls(_MAIN, "compare-", **_START)
            with gr.Accordion("All settings", open=False, elem_id="compare-more"):
                fields |= controls(_MORE, "compare-")
        with gr.Column(scale=8, min_width=340):
            job = job_row("compare-", "Compare")
            shown = gr.HTML(
                compare_html.empty_cards(list(GRADIENTS)),
                elem_id="compare-cards",
                elem_classes="plain",
                apply_default_css=False,
            )
            curve = gr.HTML(
                chart(compare_html.columns(list(GRADIENTS)), int(_START["optimisation_steps"])),
                elem_id="compare-curve",
                elem_classes="plain",
                apply_default_css=False,
            )
            gr.Markdown(compare_html.WHAT, elem_id="compare-what", elem_classes="reading")
    tab = _Tab(start, second, goal, prompt, methods, fields, job, shown, curve)
    _wire(studio, tab, stream)
    goal.change(
        lambda chosen: {
            second_box: gr.Column(visible="second_picture" in GOALS[chosen].requires),
            second: gr.Image(label=GOALS[chosen].second_label),
            prompt: gr.Textbox(visible="prompt" in GOALS[chosen].requires),
        },
        goal,
        [second_box, second, prompt],
        **QUICK,
    )
    goal.change(None, js=NAME_EXAMPLES, **QUICK)
    methods.change(compare_html.empty_cards, methods, shown, **QUICK)


def _wire(studio: Studio, tab: _Tab, stream: Stream) -> None:
    names = tuple(tab.fields)

    def work(
        stop: CancelToken,
        start: str | None,
        second: str | None,
        goal: str,
        prompt: str,
        methods: Sequence[GradientName],
        *values: Any,
    ) -> Generator[Updates, None, str]:
        chosen = {**dict(zip(names, values, strict=True)), "loss": goal, "prompt": prompt}
        request = Request.checked(chosen, start, second, studio.model.size)
        task = Task("compare", request, tuple(chosen_methods(methods)))
        last = yield from follow(tab.job, stream(task, stop), partial(_shown, tab))
        if last is None:
            yield tab.job.without_result()
        return ""

    inputs = [tab.start, tab.second, tab.goal, tab.prompt, tab.methods, *tab.fields.values()]
    wire_job(tab.job, studio.cancel_tokens, work, inputs, [tab.cards, tab.curve])


def _shown(tab: _Tab, state: Comparison) -> Updates:
    updates: Updates = {
        tab.job.status: compare_html.status(state),
        tab.cards: compare_html.cards(state.columns),
        tab.curve: chart(state.columns, state.settings.optimisation_steps),
    }
    if state.stage in ("done", "stopped"):
        updates |= tab.job.over(compare_html.finished(state))
    return updates
