import argparse
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.core.errors import UserError
from studio.models.cli import add_flags, offered_models, selected_model
from tests.losses.faces.networks import small, write


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(words)


@pytest.mark.slow
def test_the_embedded_model_is_the_default() -> None:
    assert selected_model(parsed(), None).name == "clay faces, 128 px"


def test_flags_of_other_models_are_refused() -> None:
    assert selected_model(parsed(), None).size == 128
    with pytest.raises(UserError, match="does not take --clip, --held-out: leave that out, or select a --model"):
        selected_model(parsed("--clip", "ViT-B-32", "--judge", "some.onnx"), None)


def test_a_folder_is_loaded_with_its_options(tiny_copy: Callable[[str], Path], tmp_path: Path) -> None:
    given = parsed("--model", str(tiny_copy("dit-imagenet")), "--guidance", "1", "--clip", str(tmp_path), "--offline")
    model = selected_model(given, "cpu")
    assert model.latent == (4, 8, 8)
    assert not hasattr(model.network, "scale")
    assert "has no open_clip_config.json" in model.missing["clip"]


def test_in_public_only_models_of_the_registry_are_served(tiny_copy: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="A public studio serves only registered models"):
        selected_model(parsed("--model", str(tiny_copy("dit-imagenet"))), "cpu", public=True)


def test_presenting_uses_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked the network"))
    given = parsed("--model", "ldm-celebahq")
    given.present = True
    with pytest.raises(UserError, match="its files are not here, and the studio is offline"):
        selected_model(given, "cpu")


def test_a_missing_model_is_an_error_message() -> None:
    with pytest.raises(UserError, match="cannot be loaded: its files are not here, and the studio is offline"):
        selected_model(parsed("--model", "ldm-celebahq", "--offline"), "cpu")


def test_face_networks_may_be_onnx_files(tiny_copy: Callable[[str], Path], tmp_path: Path) -> None:
    pytest.importorskip("onnx2torch", reason="the extra onnx is not installed")
    thresholds = json.dumps({"thresholds": {"fmr_1_percent": 0.3, "fmr_0.1_percent": 0.5}})
    for seed, name in enumerate(("loss", "second", "third")):
        write(small(seed), tmp_path / f"{name}.onnx").with_suffix(".json").write_text(thresholds)
    faces, second, third = (str(tmp_path / f"{name}.onnx") for name in ("loss", "second", "third"))
    given = parsed(
        "--model", str(tiny_copy("ddpm-cat")), "--faces", faces, "--held-out", second, "--judge", third, "--offline",
    )  # fmt: skip
    model = selected_model(given, "cpu")
    assert model.identity.recognition.size == 48
    assert list(model.held_out) == ["second", "third"]


@pytest.mark.slow
def test_a_model_that_cannot_be_compiled_starts_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []
    monkeypatch.setattr("studio.models.cli.compile_denoiser", lambda model: asked.append(model) or "no C++ compiler")
    assert selected_model(parsed("--compile", "off"), None).size == 128
    assert asked == []
    assert selected_model(parsed("--compile", "auto"), None) is asked[0]
    assert "“embedded-128” is not compiled: no C++ compiler." in caplog.text


@pytest.mark.slow
def test_the_first_offered_model_is_loaded_unless_another_is_named(tiny_copy: Callable[[str], Path]) -> None:
    folder = str(tiny_copy("ddpm-cat"))
    assert offered_models(parsed(), None).names == ("embedded-128", "embedded")
    assert offered_models(parsed(), None, public=True).names == ("embedded-128",)
    assert offered_models(parsed("--model", folder), None).names == (folder,)
    assert offered_models(parsed("--models", f"{folder}, embedded"), None).names == (folder, "embedded")
    assert offered_models(parsed("--models", f"{folder},embedded", "--model", "embedded"), None).names[0] == "embedded"
    with pytest.raises(UserError, match="There is no model “nothing”"):
        offered_models(parsed("--models", "embedded,nothing"), None)
    with pytest.raises(UserError, match="A public studio serves only registered models"):
        offered_models(parsed("--models", folder), None, public=True)
    with_clip = offered_models(parsed("--models", f"embedded,{folder}", "--clip", "none"), None)
    assert with_clip.get("embedded").size == 64
