"""The endpoints for programs: one for every job, with the settings as named and typed parameters.

    steer             picture and settings -> steered picture, record
    morph             two faces and settings -> morph, record with every embedder's verdict
    compare           picture, settings and gradient methods -> what each method took and reached
    find_faces        picture -> the settings that crop to each of its faces, the largest first
    settings_schema   nothing -> the JSON schema of the settings

The first three stream: a picture that is null and how far the job is, many times; at last the picture and its record.
`marked` has the label “AI-edited” drawn into the picture's corner, and is on by default where strangers come.
A picture is always an upload of the caller's own: other paths, and addresses, are refused. Closing the connection ends
the job. What the page itself calls is private.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import GenericAlias, MappingProxyType
from typing import Any, Literal

import gradio as gr
from gradio.events import api

from studio.api.responses import compared, cropped, morphed, steered
from studio.core.cancellation import CancelToken
from studio.core.errors import UserError, explain
from studio.core.goals import GOALS
from studio.core.gradients import GRADIENTS
from studio.core.presets import suited
from studio.core.settings import MIX, Settings, choices
from studio.images import faces as photo_faces
from studio.images.framing import ALIGNED
from studio.models.domain import domain_of
from studio.queue.app_state import Studio, Task
from studio.runs.compare import chosen_methods
from studio.runs.request import Request
from studio.server.cleanup import forget_later
from studio.server.uploads import NO_FILE, uploaded
from studio.server.visitor import caller_address
from studio.ui.steer.wiring import IN_LINE

Named = Mapping[str, Any]
Job = Callable[[Named, CancelToken], Iterator[Any]]
Answer = Callable[[Any, Path, Named], Any]

_NOT_OF_A_MORPH = {"loss", "prompt", "source_text", *MIX}
_PICTURE_AND_RECORD = tuple[gr.FileData, dict[str, Any]]


def add_endpoints(studio: Studio, on_device: Callable[[Any], Any]) -> None:
    """Add them to the open `gr.Blocks`.

    Args:
        studio: model, device, stop flags; jobs stand in the same line as those of the page.
        on_device: wraps every function that uses the device in whatever the host needs.
    """
    stream = on_device(studio.stream)

    def request(named: Named, first: str = "image", **fixed: str) -> Request:
        settings = {name: value for name, value in named.items() if name in Settings.model_fields}
        return Request.checked(settings | fixed, uploaded(named[first]), uploaded(named["second"]), studio.model.size)

    def steer(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Change a picture towards a goal; get it back with the record of the run."""
        yield from stream(Task("steer", request(named)), stop)

    steer.__doc__ = f"{steer.__doc__}\n\n{_goals()}"

    def morph(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Make one face of two; get it back with what every face embedder says of it."""
        yield from stream(Task("morph", request(named, "first", loss="morph")), stop)

    def compare(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Do one job by several gradient methods; get what each of them took and reached."""
        task = Task("compare", request(named), tuple(chosen_methods(named["methods"])))
        yield from stream(task, stop)

    def find_faces(named: Named, stop: CancelToken) -> Iterator[Any]:
        """Find the faces of a picture; get the settings that crop to each of them, the largest first.

        Hand one of them on to `steer` with the same picture.
        """
        world, path = domain_of(studio.model), uploaded(named["image"])
        if path is None:
            raise UserError(NO_FILE)
        yield photo_faces.find_faces(path, world.framing if world else ALIGNED)

    image, second = _parameter("image", gr.FileData), _parameter("second", gr.FileData | None, None)
    faces = [_parameter("first", gr.FileData), _parameter("second", gr.FileData)]
    methods = _parameter("methods", GenericAlias(list, _type("gradient")), list(GRADIENTS))
    marked = _parameter("marked", bool, studio.public)
    endpoint = _Endpoint(studio)
    endpoint.add(steer, steered(studio.model), [image, *_settings(), second, marked], _PICTURE_AND_RECORD)
    of_a_morph = _settings(_NOT_OF_A_MORPH, suited("morph"))
    endpoint.add(morph, morphed(studio.model), [*faces, *of_a_morph, marked], _PICTURE_AND_RECORD)
    endpoint.add(compare, compared, [image, *_settings({"gradient"}), second, methods], dict[str, Any])
    endpoint.add(find_faces, cropped, [image], dict[str, Any])
    # as a type, not as the text that annotations are in this file
    settings_schema.__signature__ = inspect.Signature(return_annotation=dict[str, Any])  # type: ignore[attr-defined]
    api(settings_schema, api_name="settings_schema", queue=False)


def settings_schema() -> dict[str, Any]:
    """Names, types, bounds and defaults of all settings, as JSON schema."""
    return Settings.model_json_schema()


class _Endpoint:
    """Turns a job on named values into a function whose signature Gradio can read."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def add(self, job: Job, answer: Answer, parameters: Sequence[inspect.Parameter], returns: Any) -> None:
        names, cancel_tokens = [p.name for p in parameters], self._studio.cancel_tokens

        def run(*values: Any) -> Iterator[Any]:
            forget_later()
            named = dict(zip(names, values, strict=True))
            shown: Any = answer(None, Path(), named)
            try:
                with TemporaryDirectory() as folder:  # Gradio copies the files when the answer leaves
                    for event in job(named, cancel_tokens.new_token(caller_address())):
                        if event is not None:
                            shown = answer(event, Path(folder), named)
                        yield shown
            except Exception as error:
                raise gr.Error(explain(error), print_exception=False) from None

        run.__name__, run.__doc__ = job.__name__, inspect.cleandoc(job.__doc__ or "")
        run.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": returns}
        api(run, api_name=job.__name__, concurrency_limit=IN_LINE)


def _settings(
    without: Collection[str] = (), instead: Mapping[str, Any] = MappingProxyType({})
) -> list[inspect.Parameter]:
    """The settings as parameters, at their defaults or what is given; the prompt first, because everybody needs it."""
    names = [name for name in Settings.model_fields if name not in {"version", *without}]
    fields = {name: Settings.model_fields[name] for name in sorted(names, key=lambda name: name != "prompt")}
    return [_parameter(name, _type(name), instead.get(name, field.default)) for name, field in fields.items()]


def _goals() -> str:
    """The goals and what each of them needs from a caller."""
    asked = {"prompt": "a prompt", "second_picture": "a second picture"}
    needs = {goal.name: " and ".join(asked[one] for one in goal.requires if one in asked) for goal in GOALS.values()}
    listed = (f"{name} needs {what}" if what else name for name, what in needs.items())
    return f"`loss` names the goal: {'; '.join(listed)}."


def _type(field: str) -> Any:
    """A setting's type; one of several names as a Literal of those there are when the page is built."""
    names = choices(field)
    return Literal[names] if names else Settings.model_fields[field].annotation


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)
