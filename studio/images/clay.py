"""Pictures of clay faces, rendered from the values of a scene."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from PIL import Image

import clay.people
from clay.people.dataset import Scene
from clay.people.person import Person
from clay.people.view import View
from studio.core.errors import UserError, log

_COMPILING = Lock()
_FOLDER = Path(clay.people.__file__).parents[1] / "rendering"


def draw_scene(scene: Scene, size: int) -> Image.Image:
    """The clay face of a scene, size x size; about 0.01 s at 64 pixels once the renderer is compiled.

    Raises:
        UserError: the renderer is not installed.
    """
    return Image.fromarray(_renderer()(*scene, size))


def compile_renderer() -> None:
    """Compile the renderer, which takes 15 s and is kept on disk; where it is not installed, log that."""
    try:
        draw_scene((Person(), View()), 8)
    except UserError as error:
        log.warning("%s", error)


@cache
def _load() -> Callable[..., Any]:
    if not os.access(_FOLDER, os.W_OK):  # numba keeps the machine code there, and fails if it cannot
        os.environ.setdefault("NUMBA_CACHE_DIR", tempfile.mkdtemp(prefix="studio-numba-"))
    from clay.rendering.render import render

    return render


def _renderer() -> Callable[..., Any]:
    if importlib.util.find_spec("numba") is None:
        raise UserError("Clay faces are rendered with the package numba: install it with pip install numba.")
    with _COMPILING:
        return _load()
