"""A goal from outside, as docs/goals.md writes it, through page, endpoints and command line."""

import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from studio.cli import main as cli
from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.plugins import GROUP, load_plugins
from studio.core.settings import Settings, parse
from studio.export.metadata import read_settings
from studio.models.holder import Holder
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.ui import html
from studio.ui.job import JobHandlers
from studio.ui.steer.inputs import Form, goal_inputs, start_inputs
from studio.ui.steer.outputs import output_column
from studio.ui.steer.responses import InputHandlers
from studio.ui.steer.run import steer_fresh, steer_work

ROOT = Path(__file__).resolve().parents[3]
DOCS = (ROOT / "docs" / "goals.md").read_text(encoding="utf-8")
Write = Callable[[str, str], str]


def example() -> str:
    found = re.search(r"```python\n(.*?)```", DOCS, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def redness(plugin: Write) -> str:
    return plugin("redness", example())


@pytest.fixture
def started(redness: str, model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[gr.Blocks]:
    """The page that `python app.py --plugin redness` builds, on the small model, before it is launched."""
    built: list[gr.Blocks] = []
    with monkeypatch.context() as patch:
        patch.setattr(app, "offered_models", lambda *_: Holder(lambda name: model, ["stub"]))
        patch.setattr(app, "examples", list)
        patch.setattr(app.torch, "set_num_threads", lambda threads: None)
        patch.setattr(app, "launch", lambda blocks, *how, **where: built.append(blocks))
        patch.setattr("sys.argv", ["app.py", "--plugin", redness])
        app.main()
    yield built[0]
    built[0].close()


def test_the_example_is_short() -> None:
    assert len([line for line in example().splitlines() if line]) <= 10


def test_the_page_lists_the_goal_of_a_plugin(started: gr.Blocks) -> None:
    (goal,) = (block for block in started.blocks.values() if getattr(block, "elem_id", None) == "goal")
    assert ("Red: more of the red channel", "redness") in [tuple(choice) for choice in goal.choices]


def test_a_run_on_the_page_follows_the_goal_of_a_plugin(redness: str, model: Model, face: Path) -> None:
    load_plugins([redness])
    studio, client = Studio(model), SimpleNamespace(session_hash="me")
    with gr.Blocks():
        form = Form(start_inputs([]), goal_inputs([]))
        out = output_column(None, lambda: model, form.start.reconstruct)
    shown = InputHandlers(studio, form, out).choose_goal(None, "redness", 1, 0, 0, 0, 1)
    assert not any(shown[box].visible for box in (form.goal.prompt_box, form.goal.second_box, form.goal.mix_box))
    named = {name: field.value for name, field in form.fields.items()}
    named |= {"loss": "redness", "sampling_steps": 5, "optimisation_steps": 3, "closeness": 0.0}
    work, fresh = steer_work(studio.stream, form, out, lambda: model.size), steer_fresh(form, out, lambda: model.size)
    job = JobHandlers(out.job, studio.cancel_tokens, work, fresh)
    *_, last = job.run(client, str(face), None, (), True, *named.values())  # type: ignore[arg-type]
    outcome = last[out.shown]
    assert outcome.best.similarity["Red"] > outcome.curve[0].similarity["Red"]
    assert html.goal_text(outcome.settings) == "Red"


@pytest.mark.slow
def test_an_endpoint_accepts_the_goal_of_a_plugin_and_the_schema_lists_it(started: gr.Blocks, face: Path) -> None:
    _, url, _ = app.launch(started, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    client = Client(url, verbose=False)
    quick = {"image": handle_file(face), "optimisation_steps": 2, "sampling_steps": 5}
    path, written = client.predict(**quick, loss="redness", api_name="/steer")
    assert read_settings(path).loss == written["settings"]["loss"] == "redness"
    assert "redness" in client.predict(api_name="/settings_schema")["properties"]["loss"]["enum"]
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]  # type: ignore[index]
    (loss,) = (p for p in endpoints["/steer"]["parameters"] if p["parameter_name"] == "loss")
    assert "'redness'" in loss["python_type"]["type"]
    with pytest.raises(AppError, match=r"choose 'edit', .* or 'redness', but it is os"):
        client.predict(**quick, loss="os", api_name="/steer")


def test_the_command_line_takes_the_goal_of_a_plugin(
    redness: str, model: Model, face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.models.cli.embedded", lambda device, size: model)
    monkeypatch.setattr(cli.torch, "set_num_threads", lambda threads: None)
    monkeypatch.setattr(cli, "_cancel_on_interrupt", lambda cancel: None)
    out = tmp_path / "red.png"
    words = ["steer", str(face), "--set", "loss=redness", "--set", "optimisation_steps=2", "--out", str(out)]
    assert cli.main(words) == 1
    assert cli.main([*words, "--plugin", redness]) == 0
    assert read_settings(out).loss == "redness"
    assert set(json.loads(out.with_suffix(".json").read_text())["measured"]["similarity"]["after"]) == {"Red"}


def test_an_installed_distribution_adds_its_goal_by_an_entry_point(redness: str, tmp_path: Path) -> None:
    folder = tmp_path / "redness-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: redness\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(f"[{GROUP}]\nredness = {redness}\n")
    assert "redness" not in GOALS
    load_plugins([])
    assert parse({"loss": "redness"}).loss == "redness"


def test_a_plugin_may_be_named_twice(redness: str) -> None:
    load_plugins([redness, redness])
    assert list(GOALS)[-1] == "redness"


def test_after_a_test_its_goal_is_gone() -> None:
    assert "redness" not in GOALS
    assert Settings.model_json_schema()["properties"]["loss"]["enum"] == list(GOALS)


TAKEN = "from studio.core.goals import GOALS, Goal\nGOALS.add(Goal('{}', 'A: goal', print))\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (None, r"ModuleNotFoundError: No module named 'broken_plugin'"),
        ("def", r"SyntaxError: invalid syntax"),
        ("1 / 0", r"ZeroDivisionError: division by zero"),
        (TAKEN.format("clip_text"), r"ValueError: there is already a goal 'clip_text', choose another name"),
        (2 * TAKEN.format("new"), r"ValueError: there is already a goal 'new', choose another name"),
        (TAKEN.format("../etc"), r"ValueError: the name of a goal has only a-z, 0-9 and _"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_sentence(
    plugin: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: str | None,
    reason: str,
) -> None:
    name = "broken_plugin" if code is None else plugin("broken_plugin", code)
    monkeypatch.setattr(app, "build", lambda *_, **__: pytest.fail("a page was built"))
    monkeypatch.setattr("sys.argv", ["app.py", "--plugin", name])
    with pytest.raises(SystemExit, match=rf"^The plugin “broken_plugin” cannot be loaded \({reason}.*\): [^\n]*$"):
        app.main()
    assert cli.main(["settings", "--plugin", name]) == 1
    shown = capsys.readouterr()
    assert re.search(reason, shown.err)
    assert "Traceback" not in shown.err
    assert not shown.out


@pytest.mark.parametrize(
    ("run", "name", "words"),
    [(runpy.run_path, str(ROOT / "app.py"), []), (runpy.run_module, "studio.cli", ["settings"])],
)
def test_no_traceback_ends_the_programs(
    run: Callable[..., object],
    name: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", [name, *words, "--plugin", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        run(name, run_name="__main__")
    code = ended.value.code  # Python writes a text to stderr, and exits with 1
    assert code == 1 or isinstance(code, str)
    shown = capsys.readouterr().err + (code if isinstance(code, str) else "")
    assert "The plugin “nowhere” cannot be loaded" in shown
    assert shown.strip().count("\n") == 0


def test_nothing_that_is_sent_imports_a_module(plugin: Write, tmp_path: Path) -> None:
    name = plugin("sent", f"open({str(tmp_path / 'imported')!r}, 'w')")
    for field in ("loss", "gradient"):
        with pytest.raises(UserError):
            parse({field: name})
    assert not (tmp_path / "imported").exists()
