from types import SimpleNamespace
from typing import Any

import pytest

from studio.server.client import client_address, session_name


def request(host: str = "10.0.0.1", **headers: str) -> Any:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return SimpleNamespace(session_hash="me", client=SimpleNamespace(host=host), headers=names)


def test_an_open_page_has_a_name_of_its_own() -> None:
    assert session_name(request()) == "me"
    assert session_name(SimpleNamespace(session_hash=None)) == "local"


def test_at_home_the_address_is_that_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert client_address(request(x_forwarded_for="9.9.9.9")) == "10.0.0.1"  # anybody could have written it


def test_behind_the_proxy_of_a_space_it_is_the_one_that_the_proxy_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/studio")
    assert client_address(request(x_forwarded_for="9.9.9.9, 10.0.0.1")) == "9.9.9.9"
    assert client_address(request(x_forwarded_for="1.1.1.1, 9.9.9.9")) == "9.9.9.9"  # the client wrote the first one
    assert client_address(request(x_forwarded_for="somebody, , 10.0.0.7")) == "10.0.0.1"
    assert client_address(request()) == "10.0.0.1"


def test_an_address_of_the_long_kind_is_its_whole_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert client_address(request("2606:4700::1")) == client_address(request("2606:4700::ffff:2"))
    assert client_address(request("2606:4700:0:1::1")) != client_address(request("2606:4700::1"))
    assert client_address(request("::ffff:9.9.9.9")) == "9.9.9.9"
    assert client_address(request("testclient")) == "testclient"


def test_without_a_request_there_is_no_address() -> None:
    assert client_address(None) == ""
