import os

import pytest

import app


def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "SPACE_ID", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not app.can_open_a_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert app.can_open_a_browser()
    monkeypatch.setenv("CI", "true")
    assert not app.can_open_a_browser()


def test_off_zerogpu_the_guard_changes_nothing() -> None:
    def function() -> None:
        """Any."""

    assert app.on_gpu(function) is function


def test_nothing_is_reported_home() -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


def test_missing_weights_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise FileNotFoundError("The embedded world is incomplete: clip is missing.")

    monkeypatch.setattr(app, "build", missing)
    monkeypatch.setattr("sys.argv", ["app.py"])
    with pytest.raises(SystemExit, match="clip is missing"):
        app.main()
