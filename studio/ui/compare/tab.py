"""`compare_tab`: one task with several gradient methods side by side, with the cost and the result of each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.cancellation import CancelToken
from studio.core.goals import PROMPTS
from studio.core.settings import GradientName
from studio.queue.app_state import Studio
from studio.queue.latest import latest_only
from studio.runs.compare import GRADIENTS, Comparison, compare
from studio.runs.events import Waiting
from studio.runs.meter import get_ready
from studio.runs.request import Request
from studio.ui.compare import html as compare_html
from studio.ui.compare.chart import chart
from studio.ui.controls import Control, controls
from studio.ui.events import QUICK, Updates
from studio.ui.fields import NAME_EXAMPLES, example_row, picture
from studio.ui.job import Job, follow, job_row, wire_job

CompareStream = Callable[[Request, Sequence[GradientName], CancelToken], Iterator[Comparison | Waiting | None]]
_MAIN = ("mode", "variables", "sampling_steps", "optimisation_steps")
_MORE = ("noise_level", "z_rate", "noise_rate", "optimiser", "closeness", "seed")
# an ODE, where the paper's adjoint is most accurate; few steps, because four methods run
_START: dict[str, float | str] = {"mode": "ode", "sampling_steps": 10, "optimisation_steps": 6}
_GOALS = (("Text: match a prompt", "clip_text"), ("Person: become another person", "identity"))


def compare_stream(studio: Studio) -> CompareStream:
    """Events of comparisons at the rate of the page, one run at a time on the device."""
    get_ready()

    def stream(
        request: Request, methods: Sequence[GradientName], stop: CancelToken
    ) -> Iterator[Comparison | Waiting | None]:
        return latest_only(compare(studio.model, request, methods, stop), stop, studio.device, waiting=Waiting)

    return stream


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


def compare_tab(studio: Studio, examples: Sequence[Path], stream: CompareStream) -> None:
    """The tab's content, built inside an open `gr.Tab`.

    Args:
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first.
        stream: `compare_stream(studio)`, wrapped in whatever the host needs.
    """
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=320):
            gr.Markdown("### Task")
            start = picture("Image to change", "compare-first", examples[0] if examples else None, height=210)
            example_row(examples, start)
            goal = gr.Radio(_GOALS, value="clip_text", label="Goal", elem_id="compare-goal", elem_classes="cards")
            prompt = gr.Textbox(value=PROMPTS[0], label="Prompt", lines=1, max_length=300, elem_id="compare-prompt")
            with gr.Column(visible=False) as second_box:
                second = picture("Target face", "compare-second", None, height=190)
                example_row(list(reversed(examples)), second)
            gr.Markdown("### Gradient methods to compare")
            methods = gr.CheckboxGroup(
                [(label, name) for name, label in GRADIENTS.items()],
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
            second_box: gr.Column(visible=chosen == "identity"),
            prompt: gr.Textbox(visible=chosen == "clip_text"),
        },
        goal,
        [second_box, prompt],
        **QUICK,
    )
    goal.change(None, js=NAME_EXAMPLES, **QUICK)
    methods.change(compare_html.empty_cards, methods, shown, **QUICK)


def _wire(studio: Studio, tab: _Tab, stream: CompareStream) -> None:
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
        last = yield from follow(tab.job, stream(request, methods, stop), partial(_shown, tab))
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
