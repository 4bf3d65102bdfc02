"""`compare_tab`: one task with several gradient methods side by side, with the cost and the result of each."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.cancellation import CancelToken
from studio.core.goals import GOALS, PROMPTS, SUITED_FIELDS, offered
from studio.core.gradients import GRADIENTS, compared_methods
from studio.core.presets import suited
from studio.core.settings import GradientName
from studio.export.recorded_scaling import Scaling, load_scaling
from studio.export.recorded_tabs import COMPARE, load_comparison
from studio.queue.app_state import Stream, Studio, Task
from studio.runs.compare import Comparison, chosen_methods
from studio.runs.request import Request
from studio.ui import html
from studio.ui.compare import html as compare_html
from studio.ui.compare.chart import chart
from studio.ui.compare.scaling import scaling_chart
from studio.ui.controls import Control, controls
from studio.ui.events import LATEST, QUICK, Updates, settled
from studio.ui.fields import NAME_EXAMPLES, example_row, model_input, paper_choice, paper_updates, picture, suit_steps
from studio.ui.job import Job, follow, job_row, wire_job
from studio.ui.likeness.slots import Offer, Slot, offer

_MAIN = ("mode", "variables", "sampling_steps", "optimisation_steps")
_MORE = ("noise_level", "z_rate", "noise_rate", "optimiser", "closeness", "seed")
_GOAL: str = COMPARE["loss"]
_READY = "Ready: press Compare"


@dataclass(frozen=True)
class _Tab:
    """The components that a comparison reads and writes; `lines` are the recorded ones of the second chart."""

    start: gr.Image
    likeness: Offer
    second: gr.Image
    goal: gr.Radio
    prompt: gr.Textbox
    methods: gr.CheckboxGroup
    paper: gr.Dropdown
    fields: Mapping[str, Control]
    job: Job
    cards: gr.HTML
    curve: gr.HTML
    scaling: gr.HTML
    lines: Scaling | None


def compare_tab(studio: Studio, examples: Sequence[Path], stream: Stream, loaded: gr.State) -> Slot:
    """The tab's content, built inside an open `gr.Tab`; returns the picture to change.

    Args:
        studio: model, device queue, cancel tokens.
        examples: pictures; the page opens with the first.
        stream: `studio.stream`, or a wrapper around it that a host needs.
        loaded: changes when another model was loaded.
    """
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=4, min_width=320):
            gr.Markdown("### Task")
            start = picture("Image to change", "compare-first", examples[0] if examples else None, height=210)
            chosen, likeness = example_row(examples, start), offer("compare-first")
            goals = [(one.label, one.name) for one in offered("compare")]
            goal = gr.Radio(goals, value=_GOAL, label="Goal", elem_id="compare-goal", elem_classes="cards")
            prompt = gr.Textbox(value=PROMPTS[0], label="Prompt", lines=1, max_length=300, elem_id="compare-prompt")
            with gr.Column(visible=False) as second_box:
                second = picture("Target face", "compare-second", None, height=190)
                example_row(list(reversed(examples)), second)
            gr.Markdown("### Gradient methods to compare")
            paper = paper_choice("compare", "compare-")
            methods = gr.CheckboxGroup(
                [(one.label, one.name) for one in GRADIENTS.values()],
                value=compared_methods(),
                label="Gradient methods",
                show_label=False,
                elem_id="compare-methods",
                elem_classes="cards",
            )
            fields = controls(_MAIN, "compare-", **{name: COMPARE[name] for name in _MAIN if name in COMPARE})
            with gr.Accordion("All settings", open=False, elem_id="compare-more"):
                fields |= controls(_MORE, "compare-", **suited(_GOAL))
        with gr.Column(scale=8, min_width=340):
            recorded = load_comparison() if examples else None
            job = job_row("compare-", "Compare", compare_html.recorded(recorded, studio.model.digest))
            columns = recorded.comparison.columns if recorded else compare_html.columns(compared_methods())
            shown = gr.HTML(
                compare_html.cards(columns, None),
                elem_id="compare-cards",
                elem_classes="plain",
                apply_default_css=False,
            )
            lines = load_scaling()
            scaling = gr.HTML(
                scaling_chart(lines, columns, COMPARE["sampling_steps"]),
                elem_id="compare-scaling",
                elem_classes="plain",
                apply_default_css=False,
            )
            curve = gr.HTML(
                chart(columns, COMPARE["optimisation_steps"]),
                elem_id="compare-curve",
                elem_classes="plain",
                apply_default_css=False,
            )
            gr.Markdown(compare_html.WHAT, elem_id="compare-what", elem_classes="reading")
    tab = _Tab(start, likeness, second, goal, prompt, methods, paper, fields, job, shown, curve, scaling, lines)
    slot = _wire(studio, tab, stream, [*chosen, settled(loaded.change)])
    suit_steps(loaded, fields["sampling_steps"], lambda: studio.model.step_range)
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
    goal.input(lambda chosen: list(suited(chosen).values()), goal, [fields[name] for name in SUITED_FIELDS], **LATEST)
    goal.change(None, js=NAME_EXAMPLES, **QUICK)
    return slot


def _wire(studio: Studio, tab: _Tab, stream: Stream, chosen_example: Sequence[Any]) -> Slot:
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
        last = yield from follow(tab.job, stream(task, stop), partial(_shown, tab, studio.forecast(task)))
        if last is None:
            yield tab.job.without_result()
        return ""

    def fresh(
        start: str | None, second: str | None, goal: str, prompt: str, methods: Sequence[str], *values: Any
    ) -> Updates:
        columns = compare_html.columns(methods)
        steps = int(values[names.index("optimisation_steps")] or 1)
        return {
            tab.job.status: html.progress_bar(_READY),
            tab.cards: compare_html.cards(columns, model_input(start, studio.model.size)),
            tab.curve: chart(columns, steps),
            tab.scaling: scaling_chart(tab.lines, (), 0),
        }

    def look(request: gr.Request, *values: Any) -> Updates:
        """Another picture or other methods: no measurements of those before, unless a run is at work."""
        running = studio.cancel_tokens.running(tab.job.key(request))
        return {tab.job.status: gr.skip()} if running else fresh(*values)

    def choose_paper(name: str) -> Updates:
        return paper_updates(
            name, tab.fields, tab.job.message, studio.model.step_range, lambda run: {tab.methods: list(run.methods)}
        )

    inputs = [tab.start, tab.second, tab.goal, tab.prompt, tab.methods, *tab.fields.values()]
    shown = [tab.cards, tab.curve, tab.scaling]
    wire_job(tab.job, studio.cancel_tokens, work, fresh, inputs, shown)
    looked = [tab.job.status, *shown]
    changed = settled(tab.start.input, tab.start.clear, tab.methods.input)
    for event in [changed, *chosen_example]:
        event.then(look, inputs, looked, **LATEST)
    fields = [tab.methods, *tab.fields.values()]
    chosen = tab.paper.input(choose_paper, tab.paper, [*fields, tab.job.message], **LATEST)
    chosen.then(look, inputs, looked, **LATEST)
    gr.on([field.input for field in fields], lambda: "", None, tab.paper, **QUICK)
    replaced = [settled(tab.start.input, tab.start.clear), *chosen_example]
    return Slot("Compare", "compare", tab.start, tab.likeness, (look, inputs, looked), replaced)


def _shown(tab: _Tab, forecast: float | None, state: Comparison) -> Updates:
    updates: Updates = {
        tab.job.status: compare_html.status(state, forecast),
        tab.cards: compare_html.cards(state.columns, state.start),
        tab.curve: chart(state.columns, state.settings.optimisation_steps),
        tab.scaling: scaling_chart(tab.lines, state.columns, state.settings.sampling_steps),
    }
    if state.stage in ("done", "stopped"):
        updates |= tab.job.over(compare_html.finished(state))
    return updates
