"""Random settings, links, saved files and file names are accepted or refused with an error message."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.core.errors import UserError
from studio.core.links import query, read_query
from studio.core.settings import Settings, bounds, choices, parse
from studio.export.metadata import KEY, read_settings
from studio.images.files import open_picture
from studio.server.uploads import check_files, folder
from tests.hostile import forge

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted(Settings.model_fields))
VALUES = st.dictionaries(NAMES | st.text(max_size=10), ANY, max_size=4)


def good() -> st.SearchStrategy[dict[str, Any]]:
    """Values within their bounds, for some of the fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float):
            low, high = bounds(name)
            fields[name] = st.integers(int(low), int(high)) if field.annotation is int else st.floats(low, high)
        elif field.annotation is str and not choices(name):
            fields[name] = st.text(max_size=100)
    return st.fixed_dictionaries({}, optional=fields).filter(lambda values: _fits(values))


def _fits(values: dict[str, Any]) -> bool:
    try:
        parse(values)
    except UserError:
        return False
    return True


def sentence(error: UserError) -> None:
    """A message for users: one short line of valid Unicode."""
    text = str(error)
    text.encode()
    assert 10 < len(text) < 500
    assert "\n" not in text


@given(VALUES)
@QUICK
@pytest.mark.slow
def test_any_values_are_settings_or_an_error(values: dict[str, Any]) -> None:
    try:
        found = parse(values)
    except UserError as error:
        sentence(error)
    else:
        assert parse(found.model_dump()) == found
        found.model_dump_json().encode()


@given(good())
@QUICK
def test_settings_survive_links_and_files(tmp_path: Path, values: dict[str, Any]) -> None:
    asked = parse(values)
    linked = read_query(dict(parse_qsl(query(asked), keep_blank_values=True)), [])
    assert asked == (Settings() if linked is None else linked.settings)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"settings": asked.model_dump()}))
    assert read_settings(path) == asked


@given(st.dictionaries(NAMES | st.just("image") | st.text(max_size=10), st.text(max_size=40), max_size=4))
@QUICK
def test_any_link_is_settings_or_an_error(parameters: dict[str, str]) -> None:
    try:
        read_query(parameters, [Path("/somewhere/a.png")])
    except UserError as error:
        sentence(error)


@given(st.one_of(ANY, st.fixed_dictionaries({"settings": VALUES})), st.booleans())
@QUICK
def test_any_metadata_is_settings_or_an_error(tmp_path: Path, written: Any, in_picture: bool) -> None:
    text = json.dumps(written)
    path = tmp_path / "a file"
    path.write_bytes(forge.text_chunks([(KEY, text)]) if in_picture else text.encode())
    try:
        assert isinstance(read_settings(path), Settings)
    except UserError as error:
        sentence(error)


@given(st.binary(max_size=400), st.sampled_from([b"", forge.PNG, b"\xff\xd8\xff", b"RIFF", b"GIF89a", b"BM", b"II*\0"]))
@QUICK
def test_any_bytes_are_an_image_or_an_error(tmp_path: Path, data: bytes, start: bytes) -> None:
    path = tmp_path / "a file"
    path.write_bytes(start + data)
    try:
        open_picture(path)
    except UserError as error:
        sentence(error)


@given(ANY)
@QUICK
def test_no_path_outside_the_uploads_passes(data: Any) -> None:
    for inside in (data, {"path": data}, [{"a": {"path": data}}]):
        try:
            check_files(inside)
        except UserError as error:
            sentence(error)
        else:
            for path in _paths(inside):
                assert (folder() / path).resolve().is_relative_to(folder())


def _paths(data: Any) -> list[str]:
    if isinstance(data, dict):
        own = [data["path"]] if data.get("path") is not None else []
        return own + [path for value in data.values() for path in _paths(value)]
    return [path for value in data for path in _paths(value)] if isinstance(data, list) else []


def test_a_path_inside_the_uploads_passes() -> None:
    check_files([{"path": str(folder() / "abc" / "a.png")}])
    with pytest.raises(UserError):
        check_files([{"path": str(folder() / ".." / "a.png")}])
