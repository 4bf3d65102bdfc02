"""What a model cannot do, checked before a run: it may have no z, no CLIP beside it, or no face network."""

from __future__ import annotations

from collections.abc import Collection

from torch import Tensor

from studio.core.errors import UserError
from studio.core.goals import GOALS
from studio.core.settings import Settings
from studio.models.interface import Model

_NETWORKS = {"clip": "needs a CLIP model", "identity": "needs a face network"}


def check_capabilities(model: Model, settings: Settings) -> None:
    """Nothing, where the model has all that these settings ask for.

    Raises:
        UserError: a loss looks through a network that this model comes without.
    """
    needs = set(settings.goal.needs(settings))
    if settings.closeness > 0 and settings.closeness_kind == "features":
        needs.add("clip")
    check_parts(model, needs)


def check_parts(model: Model, needs: Collection[str]) -> None:
    """Raises UserError for a network among `needs` that a model comes without."""
    for part, sentence in _NETWORKS.items():
        if part in needs and getattr(model, part) is None:
            why = model.missing.get(part, "it comes without one")
            raise UserError(f"This goal {sentence}, and “{model.name}” has none: {why}. Choose another goal.")


def unavailable(model: Model) -> dict[str, str]:
    """The goals that a model cannot serve, by name, each with the reason in one sentence."""
    found: dict[str, str] = {}
    for goal in GOALS.values():
        try:
            check_parts(model, goal.requires)
        except UserError as error:
            found[goal.name] = str(error)
    return found


def code(model: Model, image: Tensor) -> Tensor:
    """z of an image, where there has to be one.

    Raises:
        UserError: this model has none.
    """
    z = model.encode(image)
    if z is None:
        raise UserError("A morph needs a model with a code z of each face, and this model has none: choose another.")
    return z
