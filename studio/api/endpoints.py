"""The endpoints for programs: one for every task, with the settings as named and typed parameters.

    steer             picture and settings -> steered picture, record
    morph             two faces and settings -> morph, record with the result of every face network
    compare           picture, settings and gradient methods -> cost and result of each method
    likeness          photograph -> clay face of the person, its values, notes
    find_faces        picture -> the settings that crop to each of its faces, the largest first
    settings_schema   nothing -> the JSON schema of the settings

The first three stream: null for the picture and the progress, many times; at last the picture and its record.
`marked` draws the label “AI-edited” into the picture's corner; it is on by default on a public server.
A picture is always an upload of the caller's own: other paths, and web addresses, are refused. Closing the connection
ends the run. The events of the page itself are private.
"""
# no `from __future__ import annotations`: gr.api reads the return type of `settings_schema` from its signature

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import GenericAlias, MappingProxyType
from typing import Any, Literal

import gradio as gr
from gradio.events import api

from studio.api.responses import compared, cropped, likened, morphed, steered
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.goals import GOALS, SUITED_FIELDS
from studio.core.gradients import compared_methods
from studio.core.presets import suited
from studio.core.settings import MIX, Settings, choices
from studio.images import faces as photo_faces
from studio.images.framing import ALIGNED
from studio.images.likeness import changed_by_hand, likeness_of
from studio.models.domain import domain_of
from studio.queue.app_state import Studio, Task
from studio.queue.device import CONCURRENT_RUNS
from studio.runs.compare import chosen_methods
from studio.runs.request import Request
from studio.server.cleanup import SessionCleaner
from studio.server.client import client_address
from studio.server.uploads import NO_FILE, uploaded

Named = Mapping[str, Any]
Handler = Callable[[Named, CancelToken], Iterator[Any]]
Respond = Callable[[Any, Path, Named], Any]

_NOT_OF_A_MORPH = {"loss", "prompt", "source_text", "where", "painted", "outside", *MIX}
_PICTURE_AND_RECORD = tuple[gr.FileData, dict[str, Any]]


def add_endpoints(studio: Studio, on_device: Callable[[Any], Any], cleaner: SessionCleaner) -> None:
    """Add them to the open `gr.Blocks`.

    Args:
        studio: model, device queue, cancel tokens; runs wait in the same queue as those of the page.
        on_device: wraps `Studio.stream` in whatever the host needs.
        cleaner: deletes the results some time after the last call.
    """
    stream = on_device(studio.stream)

    def request(named: Named, first: str = "image", **fixed: str) -> Request:
        given = {name for name, value in named.items() if name not in SUITED_FIELDS or value is not None}
        settings = {name: named[name] for name in given & Settings.model_fields.keys()}
        return Request.checked(settings | fixed, uploaded(named[first]), uploaded(named["second"]), studio.model.size)

    def steer(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Change a picture towards a goal; returns the picture and the record of the run."""
        yield from stream(Task("steer", request(named)), stop)

    steer.__doc__ = f"{steer.__doc__}\n\n{_goals()}"

    def morph(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Make one face from two; returns it with the similarities that every face network measured."""
        yield from stream(Task("morph", request(named, "first", loss="morph")), stop)

    def compare(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Run one task with several gradient methods; returns the cost and the result of each."""
        task = Task("compare", request(named), tuple(chosen_methods(named["methods"])))
        yield from stream(task, stop)

    def find_faces(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Find the faces of a picture; returns the settings that crop to each of them, the largest first.

        Pass one of them to `steer` with the same picture.
        """
        world, path = domain_of(studio.model), uploaded(named["image"])
        if path is None:
            raise UserError(NO_FILE)
        yield photo_faces.find_faces(path, world.framing if world else ALIGNED)

    def likeness(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Make a clay likeness, a caricature, of a face in a photograph, with the consent of the person shown.

        `face` is the number of the face, the largest first. `changes` sets values of the clay face by hand, such as
        {"hair_style": "long"}. Returns the picture, which `steer` and `morph` take, and its values.
        """
        path = uploaded(named["image"])
        if path is None:
            raise UserError(NO_FILE)
        yield changed_by_hand(likeness_of(path, named["face"]), named["changes"] or {})

    image, second = _parameter("image", gr.FileData), _parameter("second", gr.FileData | None, None)
    faces = [_parameter("first", gr.FileData), _parameter("second", gr.FileData)]
    methods = _parameter("methods", GenericAlias(list, _type("gradient")), compared_methods())
    marked = _parameter("marked", bool, studio.public)
    endpoint = _Endpoint(studio, cleaner)
    endpoint.add(steer, steered(lambda: studio.model), [image, *_settings(), second, marked], _PICTURE_AND_RECORD)
    of_a_morph = _settings(_NOT_OF_A_MORPH, suited("morph"))
    endpoint.add(morph, morphed(lambda: studio.model), [*faces, *of_a_morph, marked], _PICTURE_AND_RECORD)
    endpoint.add(compare, compared, [image, *_settings({"gradient"}), second, methods], dict[str, Any])
    endpoint.add(find_faces, cropped, [image], dict[str, Any])
    face, changes = _parameter("face", int, 1), _parameter("changes", dict[str, Any] | None, None)
    endpoint.add(likeness, likened(studio.model), [image, face, changes, marked], _PICTURE_AND_RECORD)
    api(settings_schema, api_name="settings_schema", queue=False)


def settings_schema() -> dict[str, Any]:
    """Names, types, bounds and defaults of all settings, as JSON schema."""
    return Settings.model_json_schema()


class _Endpoint:
    """Turns a handler of named values into a function whose typed signature `gr.api` reads."""

    def __init__(self, studio: Studio, cleaner: SessionCleaner) -> None:
        self._tokens, self._cleaner = studio.cancel_tokens, cleaner

    def add(self, handler: Handler, respond: Respond, parameters: Sequence[inspect.Parameter], returns: Any) -> None:
        """One endpoint; `gr.api` passes the `gr.Request` beside the values and leaves it out of the description."""
        names = [parameter.name for parameter in parameters]

        def run(request: gr.Request, *values: Any) -> Iterator[Any]:
            if request.session_hash:  # a program never closes a page
                self._cleaner.expire(request.session_hash)
            named = dict(zip(names, values, strict=True))
            shown: Any = respond(None, Path(), named)
            try:
                with TemporaryDirectory() as folder:  # Gradio copies the files when the response is sent
                    for event in handler(named, self._tokens.new_token(client_address(request))):
                        if event is not None:
                            shown = respond(event, Path(folder), named)
                        yield shown
            except Exception as error:
                raise gr.Error(explain(error), print_exception=False) from None

        run.__name__, run.__doc__ = handler.__name__, inspect.cleandoc(handler.__doc__ or "")
        _set_signature(run, [_parameter("request", gr.Request), *parameters], returns)
        api(run, api_name=handler.__name__, concurrency_limit=CONCURRENT_RUNS)


def _set_signature(function: Callable[..., Any], parameters: Sequence[inspect.Parameter], returns: Any) -> None:
    """Give a function of any values the signature of named ones (PEP 362), because the names are those of Settings."""
    function.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returns}


def _settings(
    without: Collection[str] = (), instead: Mapping[str, Any] = MappingProxyType({})
) -> list[inspect.Parameter]:
    """The settings as parameters, the prompt first: at the values given, at their defaults, or at null for those that
    depend on the goal.
    """
    names = [name for name in Settings.model_fields if name not in {"version", *without}]
    usual = {name: field.default for name, field in Settings.model_fields.items()} | dict.fromkeys(SUITED_FIELDS)
    defaults = {**usual, **instead}
    return [_parameter(name, _type(name), defaults[name]) for name in sorted(names, key=lambda name: name != "prompt")]


def _goals() -> str:
    """The goals and what each of them needs from a caller."""
    asked = {"prompt": "a prompt", "second_picture": "a second picture"}
    needs = {goal.name: " and ".join(asked[one] for one in goal.requires if one in asked) for goal in GOALS.values()}
    listed = (f"{name} needs {what}" if what else name for name, what in needs.items())
    return f"`loss` names the goal: {'; '.join(listed)}."


def _type(field: str) -> Any:
    """A setting's type; one of several names as a Literal of those there are when the page is built."""
    kind: Any = Settings.model_fields[field].annotation
    if names := choices(field):
        return Literal[names]
    return kind | None if field in SUITED_FIELDS else kind


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
