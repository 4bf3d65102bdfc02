"""`Settings`: everything a run depends on besides its pictures and its model.

The one truth for the page, the command line, the API, a link, and the text inside a saved PNG. All fields are plain
numbers and short texts, so that one name serves as a component, a flag, a parameter and a query key. Unknown fields
are refused, so that a file written by a later version is never half understood; files of earlier versions are
brought up to date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from studio.core.errors import UserError
from studio.core.goals import GOALS, NAMED, Goal
from studio.core.gradients import GRADIENTS
from studio.core.painted import LENGTH, cells
from studio.core.registry import Registry, choose
from studio.core.text import clean


@dataclass(frozen=True)
class NameIn:
    """Marks a text as the name of an entry. Registries grow when plugins are loaded, so this is asked at each check."""

    registry: Registry[Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.registry)}

    def _known(self, name: str) -> str:
        if name not in self.registry:
            raise ValueError(f"{choose(self.registry)}, but it is {name}")
        return name


LossName = Annotated[str, NameIn(GOALS)]
Mode = Literal["sde", "ode"]
Variables = Literal["both", "z", "noise"]
ClosenessKind = Literal["pixels", "structure", "features"]
GradientName = Annotated[str, NameIn(GRADIENTS)]
OptimiserName = Literal["normalised", "adam", "sgd"]
Outside = Literal["kept", "exact"]

VERSION = 7
# the values of fields that a file of an earlier version lacks: defaults that changed later
_OF_6: Mapping[str, Any] = {"sampling_steps": 4}
_OF_5: Mapping[str, Any] = {**_OF_6, "where": ""}
_OF_4: Mapping[str, Any] = {**_OF_5, "loss": "clip_text", "sampling_steps": 8, "z_rate": 0.3, "closeness": 0.5}
_OF_3: Mapping[str, Any] = {**_OF_4, "closeness": 1.0, "optimisation_steps": 15}
_OF_2: Mapping[str, Any] = {**_OF_3, "optimiser": "adam", "z_rate": 0.2, "optimisation_steps": 10}
_EARLIER: Mapping[str, Mapping[str, Any]] = {"1": _OF_2, "2": _OF_2, "3": _OF_3, "4": _OF_4, "5": _OF_5, "6": _OF_6}
DEFAULT_GOAL = "edit"
_BY_GOAL = "The default depends on the goal; this one is that of goals without a default of their own."
MIX = ("mix_text", "mix_direction", "mix_picture", "mix_person", "mix_same")
LARGEST_SEED = 2**32 - 1  # integers above 2**53 do not survive a browser; this leaves room to spare


class Settings(BaseModel):
    """One request, frozen and checked.

    "Noise" means x_T in ODE mode and the injected noises w_i in SDE mode; z is the model's own code of the image.
    `may_change` names what an edit need not keep, separated by commas: attributes of the model, "person", "background".
    `earlier` holds the prompts of edits that are to stay, separated by semicolons: those before this one in a chain.
    `where` names the only parts of the picture that may change, separated by commas: parts that the model finds,
    "automatic", or "prompt", the parts of the attribute that the prompt of an edit names (the whole picture if it names
    none). `painted` adds cells of a grid (`studio.core.painted`). Both empty: the whole picture may change.
    `outside` is "exact" where the original pixels replace those outside of the area.
    A crop is a square: zoom 1 is the largest that fits, x and y in [-1, 1] move it from edge to edge, and the picture
    is turned about its middle by that many degrees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    version: Literal[7] = 7
    loss: LossName = Field(default=DEFAULT_GOAL, title="Goal")
    prompt: str = Field(default="", max_length=300, title="Prompt")
    source_text: str = Field(default="a face", max_length=300, title="Picture description")
    mix_text: float = Field(default=1.0, ge=0, le=5, title="Prompt weight")
    mix_direction: float = Field(default=0.0, ge=0, le=5, title="Text direction weight")
    mix_picture: float = Field(default=0.0, ge=0, le=5, title="Second picture weight")
    mix_person: float = Field(default=0.0, ge=0, le=5, title="Second face weight")
    mix_same: float = Field(default=0.5, ge=0, le=5, title="Same person weight")
    may_change: str = Field(default="", max_length=300, title="May change")
    earlier: str = Field(default="", max_length=300, title="Earlier edits")
    where: str = Field(default=NAMED, max_length=300, title="Change only")
    painted: str = Field(default="", max_length=300, title="Painted area")
    outside: Outside = Field(default="kept", title="Outside the area")
    closeness: float = Field(default=0.5, ge=0, le=10, title="Closeness weight", description=_BY_GOAL)
    closeness_kind: ClosenessKind = Field(default="pixels", title="Closeness measure")
    crop_zoom: float = Field(default=1.0, ge=1, le=8, title="Zoom factor")
    crop_x: float = Field(default=0.0, ge=-1, le=1, title="Horizontal position")
    crop_y: float = Field(default=0.0, ge=-1, le=1, title="Vertical position")
    crop_turn: float = Field(default=0.0, ge=-45, le=45, title="Rotation in degrees")
    second_zoom: float = Field(default=1.0, ge=1, le=8, title="Zoom factor, second picture")
    second_x: float = Field(default=0.0, ge=-1, le=1, title="Horizontal position, second picture")
    second_y: float = Field(default=0.0, ge=-1, le=1, title="Vertical position, second picture")
    second_turn: float = Field(default=0.0, ge=-45, le=45, title="Rotation in degrees, second picture")
    mode: Mode = Field(default="sde", title="Sampler")
    order: int = Field(default=1, ge=1, le=2, title="Sampler order")
    sampling_steps: int = Field(default=2, ge=2, le=50, title="Sampling steps")
    noise_level: float = Field(default=1.0, ge=0.1, le=1, title="Noise level")
    optimisation_steps: int = Field(default=20, ge=1, le=100, title="Optimisation steps")
    variables: Variables = Field(default="both", title="Optimised variables")
    z_rate: float = Field(default=0.3, ge=0.0001, le=1, title="Learning rate, z", description=_BY_GOAL)
    noise_rate: float = Field(default=0.01, ge=0.0001, le=1, title="Learning rate, noise")
    gradient: GradientName = Field(default="discrete", title="Gradient method")
    optimiser: OptimiserName = Field(default="normalised", title="Optimiser")
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED, title="Seed")

    @model_validator(mode="before")
    @classmethod
    def _suited(cls, values: Any) -> Any:
        """What is not given has the value that suits the goal."""
        if not isinstance(values, Mapping):
            return values
        loss = values.get("loss", DEFAULT_GOAL)
        return {**GOALS[loss].defaults, **values} if isinstance(loss, str) and loss in GOALS else values

    @field_validator("prompt", "source_text", "earlier", mode="before")
    @classmethod
    def _readable(cls, text: object) -> object:
        return clean(text) if isinstance(text, str) else text

    @field_validator("painted")
    @classmethod
    def _is_grid(cls, text: str) -> str:
        cells(text)
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> Settings:
        if self.order == 2 and self.mode == "ode":
            raise ValueError(
                "Sampler order: order 2 needs the SDE, because an ODE of order 2 has no lossless inversion; choose 1."
            )
        if self.goal.parts and not self.goal.weighted_parts(self):
            raise ValueError("The mix is empty: give at least one of its losses a weight above 0.")
        return self

    @property
    def goal(self) -> Goal:
        """The entry of `loss`.

        Raises:
            UserError: unchecked settings hold a name that no goal has.
        """
        return GOALS[self.loss]

    @property
    def free(self) -> frozenset[str]:
        """The names in `may_change`."""
        return _names(self.may_change)

    @property
    def earlier_prompts(self) -> tuple[str, ...]:
        """The prompts in `earlier`, in order."""
        return tuple(filter(None, (text.strip() for text in self.earlier.split(";"))))

    @property
    def parts(self) -> frozenset[str]:
        """The names in `where` that confine the goal: "prompt" does so for edits only."""
        return _names(self.where) - (frozenset() if self.goal.keeps else {NAMED})

    @property
    def everywhere(self) -> bool:
        """Whether the whole picture may change."""
        return not (self.parts or self.painted)

    @property
    def only_named(self) -> bool:
        """Whether nothing but what the prompt names may change."""
        return self.parts == {NAMED} and not self.painted

    @property
    def needs_prompt(self) -> bool:
        """Whether the goal is a text."""
        return "prompt" in self.goal.needs(self)

    @property
    def needs_source_text(self) -> bool:
        """Whether the goal starts from a text that describes the picture."""
        return "source_text" in self.goal.needs(self)

    @property
    def needs_second_picture(self) -> bool:
        """Whether the goal is another picture or face."""
        return "second_picture" in self.goal.needs(self)


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, (name.strip() for name in text.split(","))))


def parse(values: Mapping[str, Any]) -> Settings:
    """Settings from loose values: of a page, a query, or a file of this version or an earlier one.

    Raises:
        UserError: one sentence naming the first field that breaks its rule, the rule, and the value got.
    """
    try:
        return Settings.model_validate(migrated(values))
    except ValidationError as error:
        raise UserError(_sentence(error)) from error


def migrated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of earlier versions as those of this one, with the defaults of their time; all others as they are."""
    version = str(values.get("version"))
    if version in _EARLIER:
        return {**_EARLIER[version], **values, "version": VERSION}
    return {**values, "version": VERSION} if version == str(VERSION) else dict(values)


def changed(settings: Settings) -> dict[str, Any]:
    """The fields that are not at the defaults of their goal, in order."""
    plain = Settings(loss=settings.loss).model_dump() | {"loss": DEFAULT_GOAL}
    return {name: value for name, value in settings.model_dump().items() if value != plain[name]}


def title(field: str) -> str:
    """The field's name as a person reads it."""
    return Settings.model_fields[field].title or field


def bounds(field: str) -> tuple[float, float]:
    """Smallest and largest value of a numeric field."""
    rules = Settings.model_fields[field].metadata
    low = next(rule.ge for rule in rules if hasattr(rule, "ge"))
    high = next(rule.le for rule in rules if hasattr(rule, "le"))
    return low, high


def choices(field: str) -> tuple[str, ...]:
    """The names that a field takes now, plugins' goals among them; empty for a number or a free text."""
    info = Settings.model_fields[field]
    named = next((rule for rule in info.metadata if isinstance(rule, NameIn)), None)
    if named is not None:
        return tuple(named.registry)
    return tuple(map(str, get_args(info.annotation))) if get_origin(info.annotation) is Literal else ()


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:  # a rule about several fields, already a sentence
        message = first.get("ctx", {}).get("error")
        return str(message) if message else "These settings hold a field whose name cannot be read."
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"These settings hold the unknown field {_shown(field)}: remove it."
    if field == "version":
        return (
            f"These settings were written by version {_shown(first['input'])} of the studio, but this one reads up to "
            f"version {VERSION}: update the studio, or enter the settings by hand."
        )
    return f"{title(field)}: {_rule(field)}, but it is {_shown(first['input'])}."


def _rule(field: str) -> str:
    kind = Settings.model_fields[field].annotation
    if names := choices(field):
        return choose(names)
    if field == "painted":
        return f"give the {LENGTH} characters that the page writes, or none"
    if kind is str:
        return "give a text of at most 300 characters"
    low, high = bounds(field)
    whole = "whole number" if kind is int else "number"
    return f"give a {whole} from {low:,} to {high:,}"


def _shown(value: object) -> str:
    try:
        text = "missing" if value is None else clean(str(value))
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in lists
        return "too long to be shown"
    return text if len(text) <= 40 else f"{len(text)} characters long"
