"""`Holder`: one model at a time. The one place where a model is let go before the next one is loaded.

Two models of gigabytes do not fit on one device, and memory comes back only when nothing refers to the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from studio.models.interface import Model
from studio.models.memory import release_memory


class Holder:
    """Holds the model that was asked for last.

    Args:
        load: name -> model.
    """

    def __init__(self, load: Callable[[str], Model]) -> None:
        self._load, self._lock = load, Lock()
        self._name: str | None = None
        self._model: Model | None = None

    def get(self, name: str) -> Model:
        """The model of that name. Whoever comes while another is being loaded waits for its turn.

        If loading fails, nothing is held, and the error is passed on.
        """
        with self._lock:
            if self._model is None or self._name != name:
                self._let_go()
                self._model = self._load(name)
                self._name = name
            return self._model

    def free(self) -> None:
        """Let go of what is held."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._model is None:
            return
        self._name = self._model = None
        release_memory()
