from types import SimpleNamespace
from typing import Any

import pytest

from studio.server.visitor import caller_address, visitor_address, visitor_name


def visitor(host: str = "10.0.0.1", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(session_hash="me", client=SimpleNamespace(host=host), headers=names)


def test_an_open_page_has_a_name_of_its_own() -> None:
    assert visitor_name(visitor()) == "me"
    assert visitor_name(SimpleNamespace(session_hash=None)) == "local"


def test_at_home_the_address_is_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert visitor_address(visitor(x_forwarded_for="9.9.9.9")) == "10.0.0.1"  # anybody could have written it


def test_behind_the_proxy_of_a_space_it_is_the_one_that_the_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    assert visitor_address(visitor(x_forwarded_for="9.9.9.9, 10.0.0.1")) == "9.9.9.9"
    assert (
        visitor_address(visitor(x_forwarded_for="1.1.1.1, 9.9.9.9")) == "9.9.9.9"
    )  # the first one is the visitor's own
    assert visitor_address(visitor(x_forwarded_for="somebody, , 10.0.0.7")) == "10.0.0.1"
    assert visitor_address(visitor()) == "10.0.0.1"


def test_an_address_of_the_long_kind_is_its_whole_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert visitor_address(visitor("2606:4700::1")) == visitor_address(visitor("2606:4700::ffff:2"))
    assert visitor_address(visitor("2606:4700:0:1::1")) != visitor_address(visitor("2606:4700::1"))
    assert visitor_address(visitor("::ffff:9.9.9.9")) == "9.9.9.9"
    assert visitor_address(visitor("testclient")) == "testclient"


def test_where_nobody_asks_there_is_no_address() -> None:
    assert caller_address() == visitor_address(None) == ""
