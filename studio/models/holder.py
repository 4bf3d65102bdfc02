"""`Holder`: the models that a studio offers, of which one is loaded; it is freed before the next one is loaded.

Two models of gigabytes do not fit on one device, and a model's memory is freed only without references to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, NoReturn

from studio.core.errors import UserError
from studio.models.interface import Model
from studio.models.memory import release_memory


class Holder:
    """Holds the model that was requested last.

    Args:
        load: name -> model.
        names: of the models that are offered.
        faster: model -> a copy of it that computes the same in less time, or None. It may take minutes, so it is called
            in a thread beside the runs (`studio.queue.app_state`). None if there is none for any model.
    """

    def __init__(
        self,
        load: Callable[[str], Model],
        names: Sequence[str] = (),
        faster: Callable[[Model], Model | None] | None = None,
    ) -> None:
        self.names, self.faster = tuple(names), faster
        self._load, self._lock = load, Lock()
        self._name: str | None = None
        self._model: Model | None = None

    @property
    def name(self) -> str | None:
        """The name of the model that is held."""
        return self._name

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
        self._name = self._model = None
        release_memory()


def unloaded(model: Model) -> Model:
    """What a model is for display, without its networks; whatever would call them raises a UserError."""
    return replace(
        model,
        network=_loading,
        encode=_loading,
        scheduler=_loading,
        clip=None,
        tokenizer=None,
        identity=None,
        held_out={},
        encode_image=_loading,
        decode=_loading,
        preview=_loading,
        prepare=None,
        heads={},
        reader=None,
        code_person=None,
        decode_code=None,
        code_root=None,
        code_denoiser=None,
        read_texts=None,
        parts=None,
    )


def _loading(*_: Any, **__: Any) -> NoReturn:
    raise UserError("Another model is being loaded: try again in a minute.")
