import inspect
import os
from pathlib import Path
from typing import Any, cast

import pytest

import app
from studio.models.holder import Holder
from studio.server.doctor import Finding
from studio.server.middleware import AT_HOME, IN_PUBLIC
from tests.stub import stub


def test_a_browser_is_opened_only_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "SPACE_ID", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert not app.can_open_a_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert app.can_open_a_browser()
    monkeypatch.setenv("CI", "true")
    assert not app.can_open_a_browser()


def test_without_zerogpu_functions_are_unchanged() -> None:
    def function() -> None:
        """Any."""

    assert app.on_gpu(function) is app.on_gpu(duration=5)(function) is function


def test_no_usage_statistics_are_sent() -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] in ("1", "True")  # gradio may have set it first


def test_missing_weights_are_an_error_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(public: bool, models: Holder) -> None:
        raise FileNotFoundError("The embedded world is incomplete: clip is missing.")

    monkeypatch.setattr(app, "build", missing)
    monkeypatch.setattr("sys.argv", ["app.py"])
    with pytest.raises(SystemExit, match="clip is missing"):
        app.main()


def test_a_check_exits_with_a_status_and_builds_no_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for finding, status in ((Finding("port", True, "free"), 0), (Finding("port", False, "taken", "use another"), 1)):
        monkeypatch.setattr(app, "check", lambda host, port, finding=finding: [finding])
        monkeypatch.setattr(app, "build", lambda: pytest.fail("a check builds no page"))
        monkeypatch.setattr("sys.argv", ["app.py", "--check"])
        with pytest.raises(SystemExit) as ended:
            app.main()
        assert int(ended.value.code or 0) == status
    assert "-> use another" in capsys.readouterr().out


def test_presenting_cannot_be_combined_with_sharing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "--present", "--share"])
    with pytest.raises(SystemExit):
        app.arguments()
    assert "leave --share out" in capsys.readouterr().err


def test_the_page_opens_after_it_was_warmed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(app, "offered_models", lambda *_: Holder(lambda name: stub(), ["stub"]))
    monkeypatch.setattr(app, "build", lambda public, models: order.append(f"built and warmed up {public}"))
    monkeypatch.setattr(app, "launch", lambda blocks, *how, **where: order.append(f"opened {how}"))
    monkeypatch.setattr("sys.argv", ["app.py", "--present"])
    app.main()
    assert order == ["built and warmed up False", "opened (True, False)"]


def test_a_public_server_has_lower_limits_and_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    class Page:
        cleaner = None

        def launch(self, **options: Any) -> None:
            given.update(options)

    app.launch(cast(Any, Page()), public=True)
    assert given["max_file_size"] == IN_PUBLIC.max_upload < AT_HOME.max_upload
    assert given["app_kwargs"]["middleware"][0].kwargs["request_limits"] == IN_PUBLIC
    assert (given["run_history"], given["enable_monitoring"], given["show_error"]) == (False, False, False)
    monkeypatch.setattr("sys.argv", ["app.py", "--public"])
    assert app.arguments().public


def test_a_space_is_public_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["app.py"])
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert not app.arguments().public
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    assert app.arguments().public
    monkeypatch.setattr("sys.argv", ["app.py", "--no-public"])
    assert not app.arguments().public


def test_the_path_behind_a_proxy_is_a_flag_or_gradios_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "--root-path", "/studio"])
    assert app.arguments().root_path == "/studio"
    monkeypatch.setattr("sys.argv", ["app.py"])
    assert app.arguments().root_path == ""
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/there")
    assert app.arguments().root_path == "/there"


def test_files_of_visitors_are_deleted_when_the_program_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def opened(*how: Any, **where: Any) -> None:
        folders.append(Path(os.environ["GRADIO_TEMP_DIR"]))
        folders[0].mkdir()
        (folders[0] / "face.png").write_text("a face")

    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.delenv("GRADIO_TEMP_DIR")
    monkeypatch.setattr(app, "offered_models", lambda *_: Holder(lambda name: stub(), ["stub"]))
    monkeypatch.setattr(app, "build", lambda public, models: None)
    monkeypatch.setattr(app, "launch", opened)
    monkeypatch.setattr("sys.argv", ["app.py"])
    app.main()
    assert not folders[0].exists()


@pytest.mark.slow
def test_on_zerogpu_nothing_is_computed_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    wrapped: list[Any] = []

    def gpu(*, duration: Any) -> Any:
        asked.append(duration)
        return lambda function: function

    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setattr(app, "on_gpu", gpu)
    monkeypatch.setattr(app, "embedded_models", lambda *_: Holder(lambda name: stub(), ["stub"]))
    monkeypatch.setattr(app.Studio, "warm_up", lambda *_: pytest.fail("there is no GPU here"))
    monkeypatch.setattr(app, "page", lambda studio, pictures, on_device: wrapped.append(on_device(studio.stream)))
    app.build(public=True)
    assert callable(asked[0])
    assert inspect.isgeneratorfunction(wrapped[0])


@pytest.mark.slow
def test_a_public_server_limits_each_clients_use_of_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Any] = []
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    monkeypatch.setattr(app, "embedded_models", lambda *_: Holder(lambda name: stub(), ["stub"]))
    monkeypatch.setattr(app, "examples", list)
    monkeypatch.setattr(app, "page", lambda studio, pictures, on_device: built.append(studio))
    app.build(public=True)
    app.build(public=False)
    there, at_home = (studio.device.limits for studio in built)
    assert there.per_client < there.jobs
    assert there.seconds < at_home.seconds
    assert [studio.public for studio in built] == [True, False]
