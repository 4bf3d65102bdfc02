"""`Settings`: everything a run depends on besides its pictures and its model.

The one truth for the page, for the text inside a saved PNG and for whatever else asks for a run. Unknown fields
are refused, so that a file written by a later version is never half understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.messages import UserError

LossName = Literal["clip_text", "clip_directional", "clip_image", "identity", "morph"]
Mode = Literal["sde", "ode"]
Variables = Literal["both", "z", "noise"]
GradientName = Literal["discrete", "adjoint_1", "adjoint_2", "unrolled"]
OptimiserName = Literal["adam", "sgd"]

NEEDS_PROMPT = frozenset({"clip_text", "clip_directional"})
NEEDS_SECOND_PICTURE = frozenset({"clip_image", "identity", "morph"})
LARGEST_SEED = 2**32 - 1  # integers above 2**53 do not survive a browser; this leaves room to spare


class Settings(BaseModel):
    """One request, frozen and checked.

    "Noise" means x_T in ODE mode and the injected noises w_i in SDE mode; z is the model's own code of the image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[1] = 1
    loss: LossName = Field(default="clip_text", title="What to change")
    prompt: str = Field(default="", max_length=300, title="Prompt")
    source_text: str = Field(default="a face", max_length=300, title="What the picture shows now")
    mode: Mode = Field(default="sde", title="Sampler")
    sampling_steps: int = Field(default=8, ge=4, le=50, title="Sampling steps")
    noise_level: float = Field(default=1.0, ge=0.1, le=1, title="Noise level")
    optimisation_steps: int = Field(default=10, ge=1, le=100, title="Optimisation steps")
    variables: Variables = Field(default="both", title="What is optimised")
    z_rate: float = Field(default=0.2, ge=0.0001, le=1, title="Learning rate of z")
    noise_rate: float = Field(default=0.01, ge=0.0001, le=1, title="Learning rate of the noise")
    gradient: GradientName = Field(default="discrete", title="Gradient method")
    optimiser: OptimiserName = Field(default="adam", title="Optimiser")
    closeness: float = Field(default=1.0, ge=0, le=10, title="Closeness")
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED, title="Seed")


def parse(values: Mapping[str, Any]) -> Settings:
    """Settings from loose values.

    Raises:
        UserError: one sentence naming the first field that breaks its rule, the rule, and the value got.
    """
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(_sentence(error)) from error


def title(field: str) -> str:
    """The field's name as a person reads it."""
    return Settings.model_fields[field].title or field


def bounds(field: str) -> tuple[float, float]:
    """Smallest and largest value of a numeric field."""
    rules = Settings.model_fields[field].metadata
    low = next(rule.ge for rule in rules if hasattr(rule, "ge"))
    high = next(rule.le for rule in rules if hasattr(rule, "le"))
    return low, high


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"These settings hold a field that this version does not know: {field}."
    if field == "version":
        return f"These settings were written by version {_shown(first['input'])}, but this is version 1."
    return f"{title(field)}: {_rule(field, first)}, but it is {_shown(first['input'])}."


def _rule(field: str, error: Mapping[str, Any]) -> str:
    if error["type"] == "literal_error":
        return f"choose {error['ctx']['expected']}"
    if Settings.model_fields[field].annotation is str:
        return "give a text of at most 300 characters"
    low, high = bounds(field)
    whole = "whole number" if Settings.model_fields[field].annotation is int else "number"
    return f"give a {whole} from {low:,} to {high:,}"


def _shown(value: object) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= 40 else f"{len(text)} characters long"
