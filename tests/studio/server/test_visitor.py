from types import SimpleNamespace
from typing import Any

import pytest

from studio.server.visitor import caller_address, visitor_address, visitor_name


def visitor(host: str = "10.0.0.1", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(session_hash="me", client=SimpleNamespace(host=host), headers=names)


def test_the_name_of_an_open_page_is_its_session() -> None:
    assert visitor_name(visitor()) == "me"
    assert visitor_name(SimpleNamespace(session_hash=None)) == "local"


def test_at_home_the_address_is_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert visitor_address(visitor(x_forwarded_for="9.9.9.9")) == "10.0.0.1"  # any client can write the header


def test_on_a_space_the_address_is_the_one_that_the_proxy_appended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    assert visitor_address(visitor(x_forwarded_for="9.9.9.9, 10.0.0.1")) == "9.9.9.9"
    assert (
        visitor_address(visitor(x_forwarded_for="1.1.1.1, 9.9.9.9")) == "9.9.9.9"
    )  # the client wrote the first one itself
    assert visitor_address(visitor(x_forwarded_for="somebody, , 10.0.0.7")) == "10.0.0.1"
    assert visitor_address(visitor()) == "10.0.0.1"


def test_an_ipv6_address_is_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert visitor_address(visitor("2606:4700::1")) == visitor_address(visitor("2606:4700::ffff:2"))
    assert visitor_address(visitor("2606:4700:0:1::1")) != visitor_address(visitor("2606:4700::1"))
    assert visitor_address(visitor("::ffff:9.9.9.9")) == "9.9.9.9"
    assert visitor_address(visitor("testclient")) == "testclient"


def test_outside_a_request_there_is_no_address() -> None:
    assert caller_address() == visitor_address(None) == ""
