"""`Holder`: holds one model at a time, and frees it before it loads the next one.

Two models of gigabytes do not fit on one device, and a model's memory is freed only without references to it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from studio.models.interface import Model
from studio.models.memory import release_memory


class Holder:
    """Holds the model that was requested last.

    Args:
        load: name -> model.
    """

    def __init__(self, load: Callable[[str], Model]) -> None:
        self._load, self._lock = load, Lock()
        self._name: str | None = None
        self._model: Model | None = None

    def get(self, name: str) -> Model:
        """The model of that name; waits while another thread loads one.

        If loading fails, no model is held, and the error is raised.
        """
        with self._lock:
            if self._model is None or self._name != name:
                self._free()
                self._model = self._load(name)
                self._name = name
            return self._model

    def free(self) -> None:
        """Free the model."""
        with self._lock:
            self._free()

    def _free(self) -> None:
        if self._model is None:
            return
        self._name = self._model = None
        release_memory()
