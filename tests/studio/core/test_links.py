import json
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.links import curl, query, read_query
from studio.core.presets import suited
from studio.core.settings import Settings, parse

EXAMPLES = [Path("/somewhere/5-mohawk.png"), Path("/somewhere/6-glasses.png")]
CHANGED = parse(
    {"loss": "mix", "prompt": "a face & “hat” = 50%?", "seed": 2**32 - 1, "crop_zoom": 1.25, "order": 2, "closeness": 0}
)


@pytest.mark.parametrize("settings", [CHANGED, Settings(prompt="ein Hut, 赤い髪"), Settings(noise_rate=0.0005)])
def test_settings_survive_a_link(settings: Settings) -> None:
    linked = read_query(dict(parse_qsl(query(settings, "5-mohawk"))), EXAMPLES)
    assert linked is not None
    assert linked.settings == settings
    assert linked.image == EXAMPLES[0]


@pytest.mark.parametrize("other", GOALS)
@pytest.mark.parametrize("loss", GOALS)
def test_a_link_keeps_a_value_that_is_the_default_of_another_goal(loss: str, other: str) -> None:
    settings = parse({"loss": loss, **suited(other), "seed": 3})
    linked = read_query(dict(parse_qsl(query(settings))), [])
    assert linked is not None
    assert linked.settings == settings


@pytest.mark.parametrize("loss", ["clip_text", "identity"])
def test_a_link_without_a_version_is_one_of_version_4(loss: str) -> None:
    goal = {} if loss == "clip_text" else {"loss": loss}
    linked = read_query({**goal, "prompt": "a hat", "seed": "7"}, EXAMPLES)
    assert linked is not None
    assert linked.settings == parse({"version": 4, "loss": loss, "prompt": "a hat", "seed": 7})
    assert (linked.settings.loss, linked.settings.sampling_steps, linked.settings.z_rate) == (loss, 8, 0.3)


def test_a_link_holds_only_settings_that_differ_from_their_defaults() -> None:
    assert query(Settings(seed=7)) == "version=7&seed=7"
    assert query(Settings(loss="identity")) == "version=7&loss=identity"
    assert query(Settings()) == ""


def test_parameters_with_other_names_are_ignored() -> None:
    assert read_query({"__theme": "dark", "present": "1", "utm_source": "x"}, EXAMPLES) is None


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"seed": "1", "sampling_steps": "5000"}, "The link could not be used. Sampling steps: give a whole number"),
        ({"loss": "magic"}, "Goal: choose"),
        ({"noise_level": "nan"}, "Noise level: give a number"),
        ({"version": "9"}, "written by version 9"),
        ({"image": "../../etc/passwd"}, "an example picture that is not here; choose one of 5-mohawk, 6-glasses"),
    ],
)
def test_a_wrong_value_is_one_sentence(parameters: dict[str, str], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        read_query(parameters, EXAMPLES)
    assert sentence in str(error.value)
    assert "/" not in str(error.value)


def test_the_lines_for_the_endpoint_hold_these_settings_as_a_shell_reads_them() -> None:
    settings = parse({"loss": "identity", "prompt": "it's $FILE & `a hat`", "seed": 7})
    lines = curl(settings).splitlines()
    assert lines[0] == "HOST=ADDRESS/gradio_api"
    assert ["-F files=@image.png" in lines[1], "-F files=@second.png" in lines[2]] == [True, True]
    shell = "FILE=/a.png; SECOND=/b.png; " + lines[3] + '; printf %s "$ASK"'
    sent = json.loads(subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout)
    assert (sent.pop("image"), sent.pop("second")) == ({"path": "/a.png"}, {"path": "/b.png"})
    assert parse(sent) == settings
    assert "SECOND" not in curl(Settings(prompt="a hat"))
