"""The endpoints as programs meet them: through gradio_client and as bare HTTP, on a model that answers at once."""

import dataclasses
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from torch import Tensor

import app
from studio.core.goals import SUITED_FIELDS
from studio.core.presets import suited
from studio.core.settings import Settings
from studio.export.metadata import read_settings
from studio.images.label import draw_label
from studio.models.interface import Model
from studio.queue.app_state import Studio
from studio.ui.page import page
from tests.losses.faces.pictures import group, noise
from tests.studio.images.portraits import portrait, saved

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def studio(model: Model) -> Studio:
    def slow(t: Tensor, x: Tensor, z: Tensor | None) -> Tensor:
        time.sleep(0.002)
        return model.network(t, x, z)

    return Studio(dataclasses.replace(model, network=slow))


@pytest.fixture(scope="module")
def url(studio: Studio) -> Iterator[str]:
    blocks = page(studio, [])
    _, where, _ = app.launch(blocks, server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    yield where
    blocks.close()


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False)


def steer(client: Client, face: Path, **asked: Any) -> Any:
    quick = {"image": handle_file(face), "prompt": "red hair", "optimisation_steps": 2, "sampling_steps": 5}
    return client.predict(**{**quick, **asked}, api_name="/steer")


def post(url: str, face: Path, **asked: Any) -> str:
    """What the endpoint streams back to bare HTTP; `image` is uploaded unless given."""
    with face.open("rb") as file:
        (path,) = httpx.post(f"{url}gradio_api/upload", files={"files": file}).json()
    body = {"image": {"path": path}, "prompt": "red hair", "optimisation_steps": 2, "sampling_steps": 5, **asked}
    event = httpx.post(f"{url}gradio_api/call/v2/steer", json=body).json()["event_id"]
    return httpx.get(f"{url}gradio_api/call/v2/steer/{event}", timeout=60).text


def test_every_setting_is_a_parameter_with_its_default(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]  # type: ignore[index]
    given = {p["parameter_name"]: p for p in endpoints["/steer"]["parameters"]}
    for name, field in Settings.model_fields.items():
        if name != "version":
            assert given[name]["parameter_has_default"]
            assert given[name]["parameter_default"] == (None if name in SUITED_FIELDS else field.default)
    assert given["marked"]["parameter_default"] is False
    assert given["optimisation_steps"]["python_type"]["type"] == "int"
    assert "Literal['sde', 'ode']" in given["mode"]["python_type"]["type"]
    assert not given["image"]["parameter_has_default"]
    of_morph = {p["parameter_name"]: p["parameter_default"] for p in endpoints["/morph"]["parameters"]}
    assert of_morph["z_rate"] == suited("morph")["z_rate"]
    assert not set(given) - set(Settings.model_fields) - {"image", "second", "marked"}


def test_a_picture_comes_back_with_its_settings_inside(client: Client, face: Path) -> None:
    path, written = steer(client, face, seed=11, closeness=0.5)
    settings = read_settings(path)
    assert (settings.seed, settings.closeness, settings.prompt) == (11, 0.5, "red hair")
    assert written["settings"] == settings.model_dump()
    assert Image.open(path).size == (16, 16)


@pytest.mark.slow
def test_what_is_not_given_suits_the_goal(client: Client, face: Path) -> None:
    for asked, loss in (({}, "edit"), ({"loss": "clip_text", "z_rate": None}, "clip_text")):
        settings = read_settings(steer(client, face, **asked)[0])
        assert settings.loss == loss
        assert settings.model_dump().items() >= suited(loss).items()
    assert read_settings(steer(client, face, z_rate=0.3)[0]).z_rate == 0.3


def test_nobody_reads_the_host_that_another_asked_for(url: str) -> None:
    asked = {"host": "evil.example"}
    assert "evil.example" in httpx.get(f"{url}gradio_api/info", headers=asked).text
    assert "evil.example" not in httpx.get(f"{url}gradio_api/info").text


@pytest.mark.slow
def test_a_picture_is_marked_when_it_is_asked_for(client: Client, face: Path, save_picture: Any) -> None:
    two = {"first": handle_file(face), "second": handle_file(save_picture("second.png", colour="navy"))}
    quick = {"optimisation_steps": 1, "sampling_steps": 5}
    for name, what in (("/steer", {"image": handle_file(face), "prompt": "x"}), ("/morph", two)):
        plain, marked = (
            Image.open(client.predict(**what, **quick, marked=marked, api_name=name)[0]).convert("RGB")
            for marked in (False, True)
        )
        assert marked.tobytes() == draw_label(plain).tobytes() != plain.tobytes()


def test_the_answer_streams_and_ends_with_the_picture(client: Client, face: Path) -> None:
    job = client.submit(
        image=handle_file(face), prompt="red hair", optimisation_steps=8, sampling_steps=5, api_name="/steer"
    )
    *moving, (path, _) = list(job)
    assert {said["phase"] for picture, said in moving if picture is None} >= {"optimise"}
    assert path.endswith(".png")


def test_a_morph_takes_two_faces(client: Client, face: Path, save_picture: Any) -> None:
    second = save_picture("second.png", colour="navy")
    path, written = client.predict(
        first=handle_file(face), second=handle_file(second), optimisation_steps=2, sampling_steps=5, api_name="/morph"
    )
    assert read_settings(path).loss == "morph"
    assert set(written["verdicts"]) == {"plain", "steered"}


@pytest.mark.slow  # the renderer is compiled once
def test_a_likeness_can_be_changed_by_hand_and_steered(client: Client, tmp_path: Path) -> None:
    asked = {"image": handle_file(saved(portrait(), tmp_path)), "api_name": "/likeness"}
    path, found = client.predict(**asked)
    assert Image.open(path).size == (16, 16)
    assert len(found["others"]) == 2
    other, changed = client.predict(**asked, changes={"hair_style": "afro"})
    assert changed["values"] == {**found["values"], "hair_style": "afro"}
    assert Image.open(other).tobytes() != Image.open(path).tobytes()
    assert read_settings(steer(client, Path(path))[0]).prompt == "red hair"


@pytest.mark.parametrize(
    ("asked", "message"),
    [({}, "No face was found"), ({"changes": {"wig": 1}}, "is no value of a scene"), ({"face": 7}, "Choose a face")],
)
def test_a_likeness_of_nobody_or_with_wrong_values_is_a_sentence(
    client: Client, tmp_path: Path, asked: dict[str, Any], message: str
) -> None:
    image = Image.fromarray(noise()) if message == "No face was found" else portrait()
    with pytest.raises(AppError, match=message):
        client.predict(image=handle_file(saved(image, tmp_path)), **asked, api_name="/likeness")


@pytest.mark.slow
def test_a_comparison_measures_every_method(client: Client, face: Path) -> None:
    found = client.predict(
        image=handle_file(face),
        prompt="x",
        optimisation_steps=2,
        sampling_steps=5,
        methods=["discrete", "unrolled"],
        api_name="/compare",
    )
    assert set(found["methods"]) == {"discrete", "unrolled"}
    for measured in found["methods"].values():
        assert len(measured["loss"]) == 3
        assert max(measured["gradient_error"].values()) < 1e-3
        assert measured["memory_bytes"] > 0


@pytest.mark.slow
def test_faces_come_as_the_settings_that_crop_to_them(client: Client, tmp_path: Path) -> None:
    Image.fromarray(group()).save(tmp_path / "group.png")
    found = client.predict(image=handle_file(tmp_path / "group.png"), api_name="/find_faces")["faces"]
    assert len(found) >= 2
    assert found[0].keys() == {"crop_zoom", "crop_x", "crop_y", "crop_turn"}
    with pytest.raises(AppError):
        client.predict(image=None, api_name="/find_faces")
    path, _ = steer(client, tmp_path / "group.png", **found[1])
    assert read_settings(path).model_dump().items() >= found[1].items()


def test_the_schema_is_that_of_the_settings(client: Client) -> None:
    assert client.predict(api_name="/settings_schema") == Settings.model_json_schema()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"prompt": " "}, "The prompt is empty"),
        ({"optimisation_steps": 1000}, "Optimisation steps: give a whole number from 1 to 100, but it is 1000."),
        ({"optimisation_steps": "many"}, "Optimisation steps: give a whole number from 1 to 100, but it is many."),
        ({"loss": "joy"}, "Goal: choose"),
        ({"loss": "identity"}, "This goal needs a target face"),
        ({"image": None}, "There is no image yet"),
        ({"image": {"path": "/etc/hostname"}}, "Upload the picture first"),
        ({"image": "/etc/hostname"}, "Upload the picture first"),
        ({"second": {"path": "/etc/hostname"}, "loss": "identity"}, "Upload the picture first"),
        ({"image": {"path": "http://127.0.0.1/a.png", "meta": {"_type": "gradio.FileData"}}}, "Upload the picture"),
    ],
)
def test_a_mistake_is_one_sentence_without_traceback(
    client: Client, face: Path, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AppError) as caught:
        steer(client, face, **asked)
    assert sentence in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bare_http_streams_events(url: str, face: Path) -> None:
    said = post(url, face)
    assert "event: generating" in said
    assert said.rstrip().splitlines()[-2] == "event: complete"
    picture, written = json.loads(said.rstrip().splitlines()[-1].removeprefix("data: "))
    assert httpx.get(picture["url"]).content.startswith(b"\x89PNG")
    assert written["settings"]["optimisation_steps"] == 2


@pytest.mark.parametrize(
    "path", ["/etc/hostname", "../../etc/hostname", str(ROOT / "app.py"), "file:///etc/hostname", "http://127.0.0.1/x"]
)
@pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
def test_no_file_of_the_server_is_read(url: str, face: Path, path: str, meta: dict[str, Any]) -> None:
    said = post(url, face, image={"path": path, **meta})
    assert "event: error" in said
    assert "event: generating" not in said
    assert "result.png" not in said


def test_leaving_ends_the_job_and_frees_the_device(client: Client, studio: Studio, face: Path) -> None:
    job = client.submit(
        image=handle_file(face), prompt="x", optimisation_steps=100, sampling_steps=10, api_name="/steer"
    )
    deadline = time.monotonic() + 120
    while not studio.device.locked() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert studio.device.locked()
    job.cancel()
    while studio.device.locked() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not studio.device.locked()


def snippet(language: str) -> str:
    """The example of this language in docs/api.md."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_documented_python_runs(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    exec(snippet("python").replace("http://127.0.0.1:7860", url), {})
    assert "Probability of “a face with red hair”" in capsys.readouterr().out


def test_the_documented_curl_runs(url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    script = snippet("bash").replace("http://127.0.0.1:7860/", url)
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert "event: complete" in done.stdout
    assert "result.png" in done.stdout
