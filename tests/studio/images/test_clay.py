from __future__ import annotations

import importlib.util

import pytest

from clay.people.person import Person
from clay.people.view import View
from studio.core.errors import UserError
from studio.images.clay import compile_renderer, draw_scene


@pytest.mark.slow  # the renderer is compiled once
def test_a_scene_is_drawn_in_any_size_and_always_the_same() -> None:
    scene = (Person(hair_style="afro"), View())
    assert draw_scene(scene, 64).size == (64, 64)
    assert draw_scene(scene, 128).size == (128, 128)
    assert draw_scene(scene, 64).tobytes() == draw_scene(scene, 64).tobytes()


def test_without_the_package_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install numba"):
        draw_scene((Person(), View()), 64)
    compile_renderer()
    assert "pip install numba" in caplog.text
