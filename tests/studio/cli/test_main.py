"""The command line in this process on the stub model, and once as a program."""

import json
import re
import runpy
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.cli import main
from studio.cli.settings import collected, methods_of
from studio.core.errors import UserError
from studio.core.paper import PAPER
from studio.core.presets import PRESETS, suited
from studio.core.settings import Settings, parse
from studio.export.metadata import read_settings
from studio.images.label import draw_label
from studio.models.interface import Model
from studio.models.losses import LossNetworks
from tests.stub import stub
from tests.tiny_models.make import make

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["--set", "optimisation_steps=2", "--set", "sampling_steps=5"]


@pytest.fixture(autouse=True)
def here(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and the stub model; the handler of Ctrl-C is restored."""
    monkeypatch.setattr("studio.models.cli.embedded", lambda device, size: model)
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(main.torch, "set_num_threads", lambda threads: None)
    yield tmp_path
    signal.signal(signal.SIGINT, before)


def run(*words: object) -> int:
    return main.main([str(word) for word in words])


def test_a_picture_is_written_with_its_settings_inside_and_beside(face: Path, capsys: Any) -> None:
    assert run("steer", face, "--text", "red hair", *QUICK, "--set", "seed=4", "--out", "red.png") == 0
    assert capsys.readouterr().out.split() == ["red.png", "red.json", "red.frames.webp"]
    inside, beside = read_settings("red.png"), read_settings("red.json")
    assert inside == beside == Settings(prompt="red hair", optimisation_steps=2, sampling_steps=5, seed=4)
    assert Image.open("red.png").size == (16, 16)


def test_the_verdict_is_printed_with_its_reason(face: Path, capsys: Any) -> None:
    assert run("steer", face, "--prompt", "red hair", *QUICK, "--out", "red.png") == 0
    printed = " ".join(capsys.readouterr().err.split())
    assert "Goal not measured. No held-out network of this model can confirm “red hair”." in printed
    assert "Same person" in printed
    assert read_settings("red.png").prompt == "red hair"


def test_the_label_is_drawn_on_request(face: Path, save_picture: Callable[..., Path]) -> None:
    for job in (["steer", face, "--text", "x"], ["morph", face, save_picture("other.png", colour="navy")]):
        assert run(*job, *QUICK, "--out", "plain.png") == 0
        assert run(*job, *QUICK, "--mark", "--out", "marked.png") == 0
        plain, marked = Image.open("plain.png"), Image.open("marked.png")
        plain_rgb = plain.convert("RGB")
        assert marked.convert("RGB").tobytes() == draw_label(plain_rgb).tobytes() != plain_rgb.tobytes()
        assert read_settings("marked.png") == read_settings("plain.png")


def test_a_run_can_be_repeated_from_its_files(face: Path) -> None:
    run("steer", face, "--text", "red hair", *QUICK, "--out", "first.png")
    for written in ("first.png", "first.json"):
        assert run("steer", face, "--settings", written, "--out", "second.png") == 0
        assert Image.open("first.png").tobytes() == Image.open("second.png").tobytes()


def test_names_of_files_follow_from_the_pictures(face: Path, save_picture: Callable[..., Path]) -> None:
    second = save_picture("other.png", colour="navy")
    run("steer", face, "--text", "x", *QUICK)
    run("morph", face, second, *QUICK)
    assert Path("a face-edit-0.png").is_file()
    assert Path("a face-other-0.json").is_file()


def test_a_morph_records_the_verdicts(face: Path, save_picture: Callable[..., Path]) -> None:
    assert run("morph", face, save_picture("other.png", colour="navy"), *QUICK, "--out", "m.png") == 0
    written = json.loads(Path("m.json").read_text())
    assert written["settings"]["loss"] == "morph"
    assert written["settings"]["z_rate"] == suited("morph")["z_rate"]
    assert set(written["verdicts"]) == {"plain", "steered"}


def test_a_second_picture_for_losses_that_need_one(face: Path, save_picture: Callable[..., Path]) -> None:
    second = save_picture("other.png", colour="navy")
    assert run("steer", face, "--second", second, "--set", "loss=identity", *QUICK, "--out", "p.png") == 0
    assert read_settings("p.png").loss == "identity"


def test_a_comparison_is_a_table(face: Path, capsys: Any) -> None:
    assert run("compare", face, "--text", "x", *QUICK, "--methods", "discrete", "adjoint_1") == 0
    shown = capsys.readouterr().out
    assert "Discrete adjoint" in shown
    assert "AdjointDEIS-1" in shown
    assert "exact" in shown
    assert "Plain autograd" not in shown


@pytest.mark.slow
def test_another_model_is_chosen_by_the_flags_of_the_page(
    face: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_copy = make("ddpm-celebahq", tmp_path / "a tiny copy")
    small = stub()
    held_out = LossNetworks(small.clip, small.tokenizer, small.identity)
    monkeypatch.setattr("studio.models.cli.embedded", lambda device, size: pytest.fail("loaded the embedded model"))
    monkeypatch.setattr("studio.models.loading.load.load_loss_networks", lambda *_: held_out)
    words = ("steer", face, "--text", "red", *QUICK, "--model", tiny_copy, "--device", "cpu", "--offline")
    assert run(*words, "--out", "red.png") == 0
    assert json.loads(Path("red.json").read_text())["model"]["name"] == "a tiny copy"
    assert (
        run("compare", face, "--text", "red", *QUICK, "--model", tiny_copy, "--methods", "discrete", "--offline") == 0
    )


def test_a_missing_model_is_an_error_message(face: Path, capsys: Any) -> None:
    assert run("steer", face, "--text", "red", "--model", "ldm-celebahq", "--offline") == 1
    assert "its files are not here, and the studio is offline" in capsys.readouterr().err
    assert run("morph", face, face, "--model", "no such model") == 1
    assert "There is no model “no such model”" in capsys.readouterr().err


def test_all_settings_are_listed(capsys: Any) -> None:
    assert run("settings") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in Settings.model_fields if name != "version")
    assert "1 to 100" in shown


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["steer", "nowhere.png", "--text", "x"], "There is no file nowhere.png."),
        (["steer", "FACE"], "The prompt is empty"),
        (["steer", "FACE", "--text", "x", "--set", "seed=-1"], "Seed: give a whole number from 0"),
        (["steer", "FACE", "--text", "x", "--set", "colour=red"], "--set takes NAME=VALUE"),
        (["steer", "FACE", "--text", "x", "--set", "seed"], "--set takes NAME=VALUE"),
        (
            ["steer", "FACE", "--text", "x", "--preset", "Slow"],
            "There is no preset 'Slow' for steer; choose one of Quick",
        ),
        (["steer", "FACE", "--text", "x", "--settings", "FACE"], "This file holds no settings"),
        (["steer", "FACE", "--text", "x", "--settings", "no.json"], "There is no file no.json."),
        (["steer", "FACE", "--text", "x", "--preset", "table-1-ode"], "There is no preset 'table-1-ode' for steer"),
        (["morph", "FACE", "nowhere.png"], "There is no file nowhere.png."),
    ],
)
def test_a_mistake_is_a_message_and_exit_status_1(face: Path, words: list[str], sentence: str, capsys: Any) -> None:
    assert run(*(str(face) if word == "FACE" else word for word in words)) == 1
    shown = capsys.readouterr().err
    assert sentence in shown
    assert "Traceback" not in shown


def test_presets_and_runs_of_the_paper_are_listed(capsys: Any) -> None:
    assert run("presets") == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in [*PRESETS, *PAPER])


def test_a_run_of_the_paper_is_a_preset_of_its_command() -> None:
    assert collected("table-4", None, [], "morph") == PAPER["table-4"].values
    assert methods_of("theorem-2.1") == ("discrete", "adjoint_1", "adjoint_2")
    assert methods_of("Quick") == methods_of(None) == ()


def test_later_sources_override_earlier_ones(tmp_path: Path) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({"seed": 5, "closeness": 2.0}))
    values = collected("Balanced", bare, ["seed=6"])
    assert values == {**PRESETS["Balanced"], "closeness": 2.0, "seed": "6"}


def test_a_file_overrides_a_preset_with_a_value_that_is_the_default(tmp_path: Path) -> None:
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps({"optimisation_steps": Settings().optimisation_steps}))
    assert collected("Paper", bare, []) == {**PRESETS["Paper"], "optimisation_steps": 20}


@pytest.mark.parametrize("version", [4, 5])
def test_another_goal_after_a_file_starts_with_what_suits_it(tmp_path: Path, version: int) -> None:
    saved = tmp_path / "saved.json"
    full = parse({"version": version, "loss": "clip_text", "prompt": "a hat", "noise_rate": 0.02}).model_dump()
    saved.write_text(json.dumps({"settings": full | {"version": version}}))
    same, other = parse(collected(None, saved, [])), parse(collected(None, saved, ["loss=edit"]))
    assert same.model_dump() == full
    assert {name: getattr(other, name) for name in suited("edit")} == suited("edit")
    assert (other.prompt, other.noise_rate, other.sampling_steps) == ("a hat", 0.02, same.sampling_steps)


def test_a_value_chosen_in_a_file_stays_with_another_goal(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({"loss": "identity", "closeness": 1.5}))
    other = parse(collected(None, saved, ["loss=edit"]))
    assert (other.closeness, other.z_rate) == (1.5, suited("edit")["z_rate"])
    saved.write_text(json.dumps({"closeness": 2.0}))
    other = parse(collected(None, saved, ["loss=identity"]))
    assert (other.closeness, other.z_rate) == (2.0, suited("identity")["z_rate"])


def test_a_flag_names_the_goal_and_the_rest_suits_it(face: Path) -> None:
    assert run("steer", face, "--text", "x", *QUICK, "--set", "loss=clip_text", "--out", "x.png") == 0
    assert read_settings("x.png").model_dump().items() >= suited("clip_text").items()
    assert run("steer", face, "--text", "x", *QUICK, "--out", "y.png") == 0
    assert read_settings("y.png").model_dump().items() >= suited("edit").items()


def test_a_bare_settings_file_is_checked(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({"seed": "no"}))
    with pytest.raises(UserError, match="Seed: give a whole number"):
        collected(None, tmp_path / "bad.json", [])


def test_ctrl_c_ends_a_run_early_and_keeps_its_best(face: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = main.watch

    def interrupted(job: Any, console: Any) -> Any:
        def early() -> Any:
            for event in job:
                yield event
                if getattr(event, "phase", "") == "optimise" and event.step == 1:
                    signal.raise_signal(signal.SIGINT)

        return plain(early(), console)

    monkeypatch.setattr(main, "watch", interrupted)
    assert run("steer", face, "--text", "x", "--set", "optimisation_steps=50", "--out", "early.png") == 0
    measured = json.loads(Path("early.json").read_text())["measured"]
    assert measured["stopped"]
    assert len(measured["loss"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_the_readmes_commands_run(page: str, here: Path) -> None:
    (here / "assets").symlink_to(ROOT / "assets")
    found = re.search(r"```bash\n(python -m studio\.cli .*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    lines = found[1].strip().splitlines()
    assert len(lines) >= 4
    for line in lines:
        python, dash_m, module, *words = shlex.split(line)
        assert (python, dash_m, module) == ("python", "-m", "studio.cli")
        assert main.main(words) == 0


def test_it_runs_as_a_module(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["python -m studio.cli", "settings"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("studio.cli", run_name="__main__")
    assert ended.value.code == 0
    assert "optimisation_steps" in capsys.readouterr().out
