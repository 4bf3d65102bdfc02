import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from studio.models import status as module
from studio.models.catalogue import hub
from studio.models.catalogue.registry import ENTRIES
from studio.models.status import status, statuses, table


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "cached_folder", lambda entry: None)
    monkeypatch.setattr(module, "free_bytes", lambda device: 10**12)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "getproxies", dict)
    hub.hub_is_reachable.cache_clear()
    yield
    hub.hub_is_reachable.cache_clear()


def test_the_embedded_model_is_always_ready() -> None:
    assert status(ENTRIES["embedded"], offline=True).state == "ready"


def test_offline_blocks_missing_models_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked the network"))
    found = status(ENTRIES["ldm-celebahq"], offline=True)
    assert (found.state, found.reason) == ("blocked", "its files are not here, and the studio is offline")


@pytest.mark.parametrize(("answers", "state"), [(True, "downloadable"), (False, "blocked")])
def test_the_hub_is_checked_once_for_all(monkeypatch: pytest.MonkeyPatch, answers: bool, state: str) -> None:
    asked = []

    def connect(*where: object, **_: object) -> socket.socket:
        asked.append(where)
        if not answers:
            raise OSError
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", connect)
    found = [one.state for one in statuses() if one.entry.kind in ("unconditional", "latent")]
    assert set(found) == {state}
    assert len(asked) == 1


def test_a_hanging_dns_query_has_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Event()

    def hang(*_: object, **__: object) -> None:
        ended.wait(120)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    monkeypatch.setattr(hub, "_TIMEOUT", 0.2)
    began = time.perf_counter()
    assert status(ENTRIES["ldm-celebahq"]).reason == "its files are not here, and the hub does not answer"
    assert time.perf_counter() - began < 60
    ended.set()


def test_local_files_are_named_by_their_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "c0" * 20
    monkeypatch.setattr(module, "cached_folder", lambda entry: Path("snapshots") / commit)
    monkeypatch.setattr(module, "is_complete", lambda entry, folder: True)
    found = status(ENTRIES["ddpm-church"])
    assert (found.state, found.reason) == ("ready", f"its files are here ({commit}, not pinned)")
    pinned = ENTRIES["ddpm-cat"]
    assert status(pinned).reason == f"its files are here ({pinned.revision})"


def test_downloadable_models_are_listed_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked the network"))
    found = {one.entry.name: one for one in statuses(check_hub=False)}
    assert (found["ddpm-cat"].state, found["ddpm-cat"].reason) == ("downloadable", "0.5 GB from google/ddpm-cat-256")
    assert found["ddpm-church"].reason.endswith(", not pinned to a commit")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert status(ENTRIES["ddpm-cat"], check_hub=False).state == "blocked"


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert status(ENTRIES["sd-1.5"]).reason == "needs a package: python -m pip install transformers"


def test_a_model_that_cannot_fit_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "free_bytes", lambda device: 10**9)
    found = status(ENTRIES["sd-2.1"])
    assert found.state == "blocked"
    assert found.reason.startswith("needs about ")


def test_a_model_that_is_not_on_the_hub_has_a_cure() -> None:
    assert "python -m studio.models convert" in status(ENTRIES["diffae-ffhq"]).reason


def test_the_table_has_a_row_for_each_model() -> None:
    head, rule, *rows = table().splitlines()
    assert head.count("|") == rule.count("|") == 11
    assert len(rows) == len(ENTRIES)
    assert [row for row in rows if "run, trained here" in row] == [row for row in rows if row.startswith("| `embedded")]
    assert all("GiB" in row for row in rows if "`embedded" not in row)
