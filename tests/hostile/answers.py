"""The result of a case in the function that reads it: taken, refused with an error message, or broken."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from studio.core.errors import UserError
from studio.core.links import read_query
from studio.core.settings import Settings, parse
from studio.export.metadata import read_settings
from studio.images.load import load_picture
from studio.runs.request import Request
from studio.server.uploads import check_files, uploaded
from tests.hostile.corpus import Case

ROOT = Path(__file__).resolve().parents[2]
_LEAK = re.compile(
    r"Traceback|File \"|site-packages|\.py\b|"
    + "|".join(re.escape(path) for path in {str(ROOT), sys.prefix, str(Path.home()), tempfile.gettempdir()})
)
EXAMPLES = [Path("/somewhere/5-mohawk.png")]


@dataclass(frozen=True)
class Answer:
    """The result of a case, and its error message or exception."""

    fate: Literal["taken", "refused", "broken"]
    message: str = ""

    @property
    def leaks(self) -> bool:
        """Whether the message contains a path or a traceback."""
        return bool(_LEAK.search(self.message))

    def fits(self, case: Case) -> bool:
        """Whether the case may have this result."""
        if self.fate == "broken" or self.leaks or (self.fate == "refused" and not 10 < len(self.message) < 400):
            return False
        return case.fate in ("either", self.fate)


def answer(case: Case, folder: Path) -> Answer:
    """Read a case; requests have no reader here. Files are written into the folder."""
    try:
        _READERS[case.kind](case, folder)
    except UserError as error:
        return Answer("refused", str(error))
    except BaseException as error:
        return Answer("broken", repr(error)[:300])
    return Answer("taken")


def good_picture(folder: Path) -> Path:
    """A valid image."""
    path = folder / "good.png"
    if not path.exists():
        Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(path)
    return path


def _picture(case: Case, folder: Path) -> None:
    image = load_picture(_file(case, folder), 16)
    assert (image.mode, image.size) == ("RGB", (16, 16))
    assert not image.info


def _saved(case: Case, folder: Path) -> None:
    _checked(read_settings(_file(case, folder)))


def _settings(case: Case, folder: Path) -> None:
    _checked(parse(case.what))


def _text(case: Case, folder: Path) -> None:
    values = {"prompt": case.what, "optimisation_steps": 1}
    request = Request.checked(values, good_picture(folder), None, 16)
    request.settings.prompt.encode()
    assert request.settings.prompt.isprintable() or "\u200d" in request.settings.prompt


def _link(case: Case, folder: Path) -> None:
    found = read_query(case.what, EXAMPLES)
    assert found is None


def _path(case: Case, folder: Path) -> None:
    check_files([case.what])
    uploaded(case.what)


def _api(case: Case, folder: Path) -> None:
    asked: Mapping[str, Any] = {"prompt": "a hat", "image": str(good_picture(folder)), "second": None, **case.what}
    values = {name: value for name, value in asked.items() if name not in ("image", "second")}
    second = asked["second"]
    if second is not None:
        second = uploaded(second)
    Request.checked(values, asked["image"], second, 16)


def _checked(found: Settings) -> None:
    """Accepted settings are valid and can be serialised."""
    assert parse(found.model_dump()) == found
    found.model_dump_json().encode()


def _file(case: Case, folder: Path) -> Path:
    path = folder / "a file"
    path.write_bytes(case.what)
    return path


_READERS: Mapping[str, Callable[[Case, Path], None]] = {
    "picture": _picture,
    "saved file": _saved,
    "settings": _settings,
    "text": _text,
    "link": _link,
    "file path": _path,
    "API parameter": _api,
}
